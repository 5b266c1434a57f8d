package admin

import (
	"net/http"
	"slices"

	"github.com/go-chi/chi/v5"

	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

// What can be done to a stream.
const (
	streamPause  = "pause"
	streamResume = "resume"
)

// streamsOf fills the part of a client's page that shows its streams.
func (h *Handler) streamsOf(r *http.Request, c ClientState) ([]templates.ClientStream, error) {
	rows, err := h.service.ClientStreams(r.Context(), actorOf(r), c.ID)
	if err != nil {
		return nil, answer(err)
	}
	var out []templates.ClientStream
	for _, s := range rows {
		v := templates.ClientStream{
			ID: string(s.ID), Endpoint: s.Endpoint, Description: s.Description, Status: s.Status, ByStaff: s.StatusBy == store.ByOperator,
			Waiting: s.Waiting, Sent: s.Sent, Failed: s.Failed, Reply: s.lastReply(),
		}
		v.SentAt, _ = h.at(s.SentAt)
		if s.Method == store.StreamPoll {
			v.Polled = true
			v.SentAt, _ = h.at(s.PolledAt)
		}
		if c.Changeable {
			v.Action = clientURL(c.ID) + "/streams/" + string(s.ID)
			v.DeleteURL = v.Action + "/delete"
		}
		out = append(out, v)
	}
	return out, nil
}

func (h *Handler) postStream(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ParseForm(w, r)
	if err != nil {
		return err
	}
	clientID, id, do := chi.URLParam(r, "client"), store.StreamID(chi.URLParam(r, "stream")), form.Get("do")
	switch do {
	case streamPause, streamResume:
		changed, err := h.service.SetStreamPaused(r.Context(), actorOf(r), clientID, id, do == streamPause)
		if err != nil {
			return answer(err)
		}
		return h.done(w, r, savedOr(changed), clientURL(clientID))
	}
	return web.BadRequest(nil)
}

func (h *Handler) getDeleteStream(w http.ResponseWriter, r *http.Request) error {
	c, err := h.changeableClient(r)
	if err != nil {
		return err
	}
	streams, err := h.streamsOf(r, c)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(streams, func(s templates.ClientStream) bool { return s.ID == chi.URLParam(r, "stream") })
	if i < 0 {
		return store.ErrNotFound
	}
	f, _ := h.formFrame(w, r, templates.NavClients)
	return h.templates.StreamDelete.Render(w, http.StatusOK, f, templates.StreamDeleteView{
		Action: streams[i].DeleteURL, BackURL: clientURL(c.ID), ID: c.ID, Name: c.Name, Stream: streams[i],
	})
}

func (h *Handler) postDeleteStream(w http.ResponseWriter, r *http.Request) error {
	if err := web.Pressed(w, r); err != nil {
		return err
	}
	clientID := chi.URLParam(r, "client")
	if err := h.service.DeleteStream(r.Context(), actorOf(r), clientID, store.StreamID(chi.URLParam(r, "stream"))); err != nil {
		return answer(err)
	}
	return h.done(w, r, templates.FlashDeleted, clientURL(clientID))
}
