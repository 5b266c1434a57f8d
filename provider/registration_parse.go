package provider

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxMetadata bounds a registration, maxMetadataText each text in it, maxMetadataList each list, and maxMetadataDepth how deep it nests.
const (
	maxMetadata      = 48 << 10
	maxMetadataText  = 2048
	maxMetadataList  = 50
	maxMetadataDepth = 8
)

// metadataReader reads the members of client metadata (RFC 7591 section 2). The first that is not of its type is remembered; null is
// as if the member were not there (RFC 7592 section 2.2).
type metadataReader struct {
	members map[string]json.RawMessage
	err     *protocolError
}

// readMetadata reads a document. One with a doubled member could mean one thing to whoever looked at it before us and another to us.
func readMetadata(body []byte) (*metadataReader, error) {
	if !utf8.Valid(body) {
		return nil, refuseMetadata("the document is not UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if err := walkMetadata(d, 0); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, refuseMetadata("something follows the document")
	}
	r := &metadataReader{}
	if err := json.Unmarshal(body, &r.members); err != nil || r.members == nil {
		return nil, refuseMetadata("the document is not a JSON object")
	}
	for name, raw := range r.members {
		if string(raw) == "null" {
			delete(r.members, name)
		}
	}
	return r, nil
}

// walkMetadata reads one value and refuses doubled members anywhere in it.
func walkMetadata(d *json.Decoder, depth int) error {
	if depth > maxMetadataDepth {
		return refuseMetadata("the document nests too deeply")
	}
	token, err := d.Token()
	if err != nil {
		return refuseMetadata("the document is not JSON")
	}
	opened, ok := token.(json.Delim)
	if !ok {
		return nil
	}
	seen := map[string]bool{}
	for d.More() {
		if opened == '{' {
			name, err := d.Token()
			if err != nil {
				return refuseMetadata("the document is not JSON")
			}
			if text, _ := name.(string); seen[text] {
				return refuseMetadata("%s appears twice", printable(text))
			} else {
				seen[text] = true
			}
		}
		if err := walkMetadata(d, depth+1); err != nil {
			return err
		}
	}
	if _, err := d.Token(); err != nil {
		return refuseMetadata("the document is not JSON")
	}
	return nil
}

func (r *metadataReader) has(name string) bool { return r.members[name] != nil }

// refuse remembers what is wrong, if nothing was before.
func (r *metadataReader) refuse(format string, args ...any) {
	if r.err == nil {
		r.err = refuseMetadata(format, args...)
	}
}

// text is a member that is a string; empty if it is not there.
func (r *metadataReader) text(name string) string {
	raw, ok := r.members[name]
	if !ok {
		return ""
	}
	var s string
	if json.Unmarshal(raw, &s) != nil {
		r.refuse("%s must be a string", printable(name))
		return ""
	}
	if !goodText(s) {
		r.refuse("%s must have %d bytes at most and no control characters", printable(name), maxMetadataText)
		return ""
	}
	return s
}

// texts is a member that is a list of strings, each of which counts once; nil if it is not there.
func (r *metadataReader) texts(name string) []string {
	raw, ok := r.members[name]
	if !ok {
		return nil
	}
	var list []*string
	if json.Unmarshal(raw, &list) != nil {
		r.refuse("%s must be a list of strings", name)
		return nil
	}
	if len(list) > maxMetadataList {
		r.refuse("%s must have %d members at most", name, maxMetadataList)
		return nil
	}
	out := []string{}
	for _, s := range list {
		switch {
		case s == nil:
			r.refuse("%s must be a list of strings", name)
		case !goodText(*s):
			r.refuse("%s must have members of %d bytes at most and without control characters", name, maxMetadataText)
		case !slices.Contains(out, *s):
			out = append(out, *s)
		}
	}
	return out
}

// flag is a member that is true or false; false if it is not there.
func (r *metadataReader) flag(name string) bool {
	raw, ok := r.members[name]
	var b bool
	if ok && json.Unmarshal(raw, &b) != nil {
		r.refuse("%s must be true or false", name)
	}
	return b
}

// seconds is a member that is a number of seconds; nil if it is not there.
func (r *metadataReader) seconds(name string) *int64 {
	raw, ok := r.members[name]
	if !ok {
		return nil
	}
	var n int64
	if json.Unmarshal(raw, &n) != nil {
		r.refuse("%s must be a number of seconds", name)
		return nil
	}
	return &n
}

// localized is a text that may come in several languages (section 2.2): in Japanese if there is one, else in no language, else in the
// first by name. All of them must be texts.
func (r *metadataReader) localized(name string) string {
	var tags []string
	for member := range r.members {
		if rest, ok := strings.CutPrefix(member, name+"#"); ok {
			tags = append(tags, rest)
		}
	}
	slices.Sort(tags)
	texts := map[string]string{}
	for _, tag := range tags {
		texts[tag] = r.text(name + "#" + tag)
	}
	plain := r.text(name)
	for _, tag := range tags {
		if lower := strings.ToLower(tag); (lower == "ja" || strings.HasPrefix(lower, "ja-")) && texts[tag] != "" {
			return texts[tag]
		}
	}
	if plain != "" || len(tags) == 0 {
		return plain
	}
	return texts[tags[0]]
}

func goodText(s string) bool { return len(s) <= maxMetadataText && cleanText(s) }

// refuseMetadata is the answer to metadata that we cannot register (RFC 7591 section 3.2.2). The sentence names members and says what
// they must be, and nothing else.
func refuseMetadata(format string, args ...any) *protocolError {
	text := fmt.Sprintf(format, args...)
	return &protocolError{code: codeInvalidMetadata, reason: text, say: text}
}

func refuseRedirect(format string, args ...any) *protocolError {
	e := refuseMetadata(format, args...)
	e.code = codeInvalidRedirect
	return e
}
