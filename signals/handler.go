package signals

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/futakagi/futakagi/client"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/web"
)

// The paths of the transmitter. Receivers find them in its metadata.
const (
	pathMetadata = "/.well-known/ssf-configuration"
	pathStream   = "/ssf/stream"
	pathStatus   = "/ssf/status"
	pathVerify   = "/ssf/verify"
	pathPoll     = "/ssf/poll"
)

// metadataMaxAge is short, as that of the discovery document of the provider.
const metadataMaxAge = 5 * time.Minute

// metadata is what the transmitter says about itself (Shared Signals Framework 1.0 section 7.1). Which accounts a stream is about is
// decided by who signed in where; there is nothing to add or remove.
type metadata struct {
	Version         string   `json:"spec_version"`
	Issuer          string   `json:"issuer"`
	JWKSURI         string   `json:"jwks_uri"`
	Methods         []string `json:"delivery_methods_supported"`
	Configuration   string   `json:"configuration_endpoint"`
	Status          string   `json:"status_endpoint"`
	Verification    string   `json:"verification_endpoint"`
	DefaultSubjects string   `json:"default_subjects"`
	Schemes         []scheme `json:"authorization_schemes"`
}

type scheme struct {
	URN string `json:"spec_urn"`
}

func newMetadata(c Config) metadata {
	return metadata{
		Version: "1_0", Issuer: c.Issuer, JWKSURI: c.JWKSURL, Methods: []string{methodPush, methodPoll},
		Configuration: c.Issuer + pathStream, Status: c.Issuer + pathStatus, Verification: c.Issuer + pathVerify,
		DefaultSubjects: "ALL", Schemes: []scheme{{"urn:ietf:rfc:6749"}},
	}
}

// configuration is a stream as its receiver sees it (Shared Signals Framework 1.0 section 8.1.1).
type configuration struct {
	StreamID        store.StreamID `json:"stream_id"`
	Issuer          string         `json:"iss"`
	Audience        string         `json:"aud"`
	Supported       []string       `json:"events_supported"`
	Requested       []string       `json:"events_requested"`
	Delivered       []string       `json:"events_delivered"`
	Delivery        deliveryOut    `json:"delivery"`
	MinVerification int64          `json:"min_verification_interval"`
	Description     string         `json:"description,omitempty"`
}

// deliveryOut has no authorization header in it: what was given to us is not given out.
type deliveryOut struct {
	Method   string `json:"method"`
	Endpoint string `json:"endpoint_url"`
}

func (s *Service) configuration(row store.SignalStream) configuration {
	c := configuration{
		StreamID: row.ID, Issuer: s.cfg.Issuer, Audience: row.ClientID, Supported: EventURIs(), Requested: strings.Fields(row.EventsRequested),
		Delivered: []string{}, MinVerification: int64(minVerification / time.Second), Description: row.Description,
		Delivery: deliveryOut{methodPoll, s.cfg.Issuer + pathPoll + "/" + string(row.ID)},
	}
	if row.Method == store.StreamPush {
		c.Delivery = deliveryOut{methodPush, row.Endpoint}
	}
	for kind := range strings.FieldsSeq(row.Events) {
		c.Delivered = append(c.Delivered, uriOf(kind))
	}
	return c
}

type statusOut struct {
	StreamID store.StreamID `json:"stream_id"`
	Status   string         `json:"status"`
	Reason   string         `json:"reason,omitempty"`
}

// Mount adds the routes.
func (s *Service) Mount(r chi.Router) {
	r.Get(pathMetadata, s.getMetadata)
	read := []string{client.ScopeSignalsManage, client.ScopeSignalsRead}
	manage := read[:1]
	for _, route := range []struct {
		method, path string
		scopes       []string
		serve        func(q *request) error
	}{
		{http.MethodGet, pathStream, read, s.getStreams},
		{http.MethodPost, pathStream, manage, s.postStream},
		{http.MethodPatch, pathStream, manage, func(q *request) error { return s.changeStream(q, false) }},
		{http.MethodPut, pathStream, manage, func(q *request) error { return s.changeStream(q, true) }},
		{http.MethodDelete, pathStream, manage, s.deleteStream},
		{http.MethodGet, pathStatus, read, s.getStatus},
		{http.MethodPost, pathStatus, manage, s.postStatus},
		{http.MethodPost, pathVerify, manage, s.postVerify},
		{http.MethodPost, pathPoll + "/{stream}", manage, s.postPoll},
	} {
		r.Method(route.method, route.path, s.guard(route.scopes, route.serve))
	}
}

func (s *Service) getMetadata(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "public, max-age="+strconv.Itoa(int(metadataMaxAge/time.Second)))
	h.Set("Access-Control-Allow-Origin", "*")
	_, _ = w.Write(s.metadata) // the client may be gone
}

// request is one of a receiver that is known.
type request struct {
	w      http.ResponseWriter
	r      *http.Request
	client string
}

// guard lets in a client with a token of its own that has one of the scopes (RFC 6750, RFC 9449). Cookies count for nothing here.
func (s *Service) guard(scopes []string, serve func(q *request) error) http.Handler {
	return s.cfg.Toolkit.Handle(func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("Cache-Control", "no-store")
		id, held, err := s.cfg.Client(w.Header(), r)
		switch {
		case errors.Is(err, s.cfg.NotToken):
			return problem(w, http.StatusUnauthorized, "invalid_token", "the request has no live access token that a client got for itself in its "+
				"Authorization header, or not the proof that belongs to it")
		case err != nil:
			return err
		case !slices.ContainsFunc(held, func(have string) bool { return slices.Contains(scopes, have) }):
			scheme, _, _ := strings.Cut(r.Header.Get("Authorization"), " ") // the one that was good until here
			w.Header().Set("WWW-Authenticate", scheme+` error="insufficient_scope", scope="`+scopes[0]+`"`)
			return problem(w, http.StatusForbidden, "insufficient_scope", "the access token does not have the scope "+scopes[0])
		}
		if until, ok := s.requests.take(id, s.now()); !ok {
			w.Header().Set("Retry-After", strconv.Itoa(int((until+time.Second-1)/time.Second)))
			return problem(w, http.StatusTooManyRequests, "too_many_requests", "this receiver sends too many requests")
		}
		err = serve(&request{w, r, id})
		if status, code, detail, known := statusOf(err); known {
			if status == http.StatusTooManyRequests {
				w.Header().Set("Retry-After", strconv.Itoa(int(minVerification/time.Second)))
			}
			return problem(w, status, code, detail)
		}
		return err
	})
}

// problem answers with a problem document (RFC 9457).
func problem(w http.ResponseWriter, status int, code, detail string) error {
	body, err := json.Marshal(web.Problem{
		Type: web.ProblemType + code, Title: http.StatusText(status), Status: status, Code: code, Detail: detail,
	})
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_, err = w.Write(body)
	return err
}

func (q *request) answer(status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	q.w.Header().Set("Content-Type", "application/json")
	q.w.WriteHeader(status)
	_, err = q.w.Write(body)
	return err
}

// body reads a JSON body.
func (q *request) body() ([]byte, error) {
	if mt, params, err := mime.ParseMediaType(q.r.Header.Get("Content-Type")); err != nil || mt != "application/json" ||
		params["charset"] != "" && !strings.EqualFold(params["charset"], "utf-8") {
		return nil, wrong("the body must be application/json")
	}
	return io.ReadAll(q.r.Body) // bounded by the toolkit
}

// streamID reads the parameter stream_id, the only one there is.
func (q *request) streamID() (id store.StreamID, sent bool, err error) {
	query, err := url.ParseQuery(q.r.URL.RawQuery)
	if err != nil || len(query["stream_id"]) > 1 {
		return "", false, wrong("the query cannot be read")
	}
	if len(query["stream_id"]) == 0 {
		return "", false, nil
	}
	id, err = validID(query.Get("stream_id"))
	return id, true, err
}

// validID is an id that can be asked for; what has another form is no stream of anybody.
func validID(text string) (store.StreamID, error) {
	if text == "" {
		return "", wrong("stream_id is missing")
	}
	if !store.ValidID(text) {
		return "", store.ErrNotFound
	}
	return store.StreamID(text), nil
}

func (s *Service) getStreams(q *request) error {
	id, sent, err := q.streamID()
	if err != nil {
		return err
	}
	if sent {
		row, err := s.stream(q.r.Context(), q.client, id)
		if err != nil {
			return err
		}
		return q.answer(http.StatusOK, s.configuration(row))
	}
	rows, err := s.cfg.DB.Read().ListStreams(q.r.Context(), q.client)
	if err != nil {
		return err
	}
	list := []configuration{}
	for _, row := range rows {
		list = append(list, s.configuration(row))
	}
	return q.answer(http.StatusOK, list)
}

func (s *Service) postStream(q *request) error {
	raw, err := q.body()
	if err != nil {
		return err
	}
	in, err := parseStream(raw)
	if err != nil {
		return err
	}
	row, err := s.create(q.r.Context(), q.client, in)
	if err != nil {
		return err
	}
	return q.answer(http.StatusCreated, s.configuration(row))
}

func (s *Service) changeStream(q *request, whole bool) error {
	raw, err := q.body()
	if err != nil {
		return err
	}
	in, err := parseStream(raw)
	if err != nil {
		return err
	}
	var text string
	if in.StreamID.value != nil {
		text = *in.StreamID.value
	}
	id, err := validID(text)
	if err != nil {
		return err
	}
	row, err := s.update(q.r.Context(), q.client, id, in, whole)
	if err != nil {
		return err
	}
	return q.answer(http.StatusOK, s.configuration(row))
}

func (s *Service) deleteStream(q *request) error {
	id, sent, err := q.streamID()
	if err == nil && !sent {
		err = wrong("stream_id is missing")
	}
	if err != nil {
		return err
	}
	if err := s.remove(q.r.Context(), q.client, id); err != nil {
		return err
	}
	q.w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *Service) getStatus(q *request) error {
	id, sent, err := q.streamID()
	if err == nil && !sent {
		err = wrong("stream_id is missing")
	}
	if err != nil {
		return err
	}
	row, err := s.stream(q.r.Context(), q.client, id)
	if err != nil {
		return err
	}
	return q.answer(http.StatusOK, statusOut{row.ID, row.Status, row.StatusReason})
}

func (s *Service) postStatus(q *request) error {
	raw, err := q.body()
	if err != nil {
		return err
	}
	in, err := parseStatus(raw)
	if err != nil {
		return err
	}
	id, err := validID(in.StreamID)
	if err != nil {
		return err
	}
	if err := s.setStatus(q.r.Context(), q.client, id, in); err != nil {
		return err
	}
	return q.answer(http.StatusOK, statusOut{id, in.Status, in.Reason})
}

func (s *Service) postVerify(q *request) error {
	raw, err := q.body()
	if err != nil {
		return err
	}
	in, err := parseVerification(raw)
	if err != nil {
		return err
	}
	id, err := validID(in.StreamID)
	if err != nil {
		return err
	}
	if err := s.verify(q.r.Context(), q.client, id, in.State); err != nil {
		return err
	}
	q.w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *Service) postPoll(q *request) error {
	id, err := validID(chi.URLParam(q.r, "stream"))
	if err != nil {
		return err
	}
	raw, err := q.body()
	if err != nil {
		return err
	}
	in, err := parsePoll(raw)
	if err != nil {
		return err
	}
	row, err := s.stream(q.r.Context(), q.client, id)
	if err == nil && row.Method != store.StreamPoll {
		err = store.ErrNotFound
	}
	if err != nil {
		return err
	}
	out, err := s.poll(q.r.Context(), row, in)
	if err != nil {
		return err
	}
	return q.answer(http.StatusOK, out)
}
