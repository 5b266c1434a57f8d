package signals

import (
	"cmp"
	"maps"
	"regexp"
	"slices"

	"github.com/futakagi/futakagi/store"
)

const (
	// maxAnswered is how many tokens one poll may acknowledge or refuse, maxFetched how many it gets.
	maxAnswered = 1000
	maxFetched  = 100
)

// pollInput is a poll as a receiver sends it (RFC 8936 section 2.2).
type pollInput struct {
	Max       *int64              `json:"maxEvents"`
	Immediate bool                `json:"returnImmediately"`
	Ack       []string            `json:"ack"`
	Errors    map[string]setError `json:"setErrs"`
}

type setError struct {
	Err string `json:"err"`
}

// poll is what is made of it.
type poll struct {
	max       int
	immediate bool
	// done are the tokens that the receiver is through with, err what it said of the first of those it could not use.
	done []store.MessageID
	err  string
}

// errorCode is the form of an error code of the IANA registry that RFC 8935 section 7.1 sets up.
var errorCode = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,39}$`)

func parsePoll(raw []byte) (poll, error) {
	var in pollInput
	if err := decode(raw, &in); err != nil {
		return poll{}, err
	}
	p := poll{max: maxFetched, immediate: in.Immediate}
	if in.Max != nil {
		if *in.Max < 0 {
			return p, wrong("maxEvents must not be negative")
		}
		p.max = int(min(*in.Max, maxFetched))
	}
	if len(in.Ack)+len(in.Errors) > maxAnswered {
		return p, wrong("ack and setErrs must have %d members together at most", maxAnswered)
	}
	for _, jti := range slices.Sorted(maps.Keys(in.Errors)) {
		if code := in.Errors[jti].Err; p.err == "" {
			p.err = "refused"
			if errorCode.MatchString(code) {
				p.err = code
			}
		}
		in.Ack = append(in.Ack, jti)
	}
	for _, jti := range in.Ack {
		if store.ValidID(jti) { // what is none was never one of ours
			p.done = append(p.done, store.MessageID(jti))
		}
	}
	slices.SortFunc(p.done, cmp.Compare[store.MessageID])
	p.done = slices.Compact(p.done)
	return p, nil
}
