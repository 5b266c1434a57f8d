package admin

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"unicode/utf8"
)

// object is a JSON object as it was sent: encoding/json would keep one of two members of the same name, and who reads the request
// on its way may keep the other.
type object []member

type member struct {
	name  string
	value any
}

// maxDepth is how deeply a request may be nested.
const maxDepth = 16

var errJSON = errors.New("not one JSON value")

// readJSON reads exactly one JSON value: text, numbers as they were sent, bools, nil, []any and object.
func readJSON(raw []byte) (any, error) {
	if !utf8.Valid(raw) {
		return nil, errJSON
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	v, err := readValue(d, 0)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errJSON
	}
	return v, nil
}

func readValue(d *json.Decoder, depth int) (any, error) {
	if depth > maxDepth {
		return nil, errJSON
	}
	t, err := d.Token()
	if err != nil {
		return nil, errJSON
	}
	switch t {
	case json.Delim('['):
		items := []any{}
		for d.More() {
			v, err := readValue(d, depth+1)
			if err != nil {
				return nil, err
			}
			items = append(items, v)
		}
		_, err = d.Token()
		return items, asJSONError(err)
	case json.Delim('{'):
		members := object{}
		for d.More() {
			name, err := d.Token()
			if err != nil {
				return nil, errJSON
			}
			v, err := readValue(d, depth+1)
			if err != nil {
				return nil, err
			}
			text, _ := name.(string) // the decoder takes nothing else
			members = append(members, member{text, v})
		}
		_, err = d.Token()
		return members, asJSONError(err)
	}
	return t, nil
}

// asJSONError hides where and how the decoder failed: its words quote the request.
func asJSONError(err error) error {
	if err != nil {
		return errJSON
	}
	return nil
}
