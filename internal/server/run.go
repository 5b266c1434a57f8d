package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// stopLimit bounds how long a stopping server waits for requests under way and for the background work.
	stopLimit = 20 * time.Second
	// lastMoment is what the background work has to end when requests took the whole of that.
	lastMoment = 3 * time.Second
)

// Run serves on the two listeners until ctx ends, then stops in order: readiness fails, requests under way get up to 20
// seconds, the background work ends in what is left of them. The listeners are closed when it returns. management may be nil.
func (s *Server) Run(ctx context.Context, public, management net.Listener) error {
	work, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWork()
	var background sync.WaitGroup
	for _, job := range s.jobs {
		background.Go(func() { job(work) })
	}

	servers := []*http.Server{s.httpServer(s.Handler)}
	listeners := []net.Listener{public}
	if management != nil {
		servers = append(servers, s.httpServer(s.Management))
		listeners = append(listeners, management)
	}
	failed := make(chan error, len(servers))
	for i, hs := range servers {
		go func() {
			if err := hs.Serve(listeners[i]); !errors.Is(err, http.ErrServerClosed) {
				failed <- fmt.Errorf("serve %s: %w", listeners[i].Addr(), err)
			}
		}()
	}
	s.ready.Store(true)

	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	s.ready.Store(false)
	s.logger.LogAttrs(work, slog.LevelInfo, "stopping")
	if err == nil && s.drainDelay > 0 {
		time.Sleep(s.drainDelay)
	}
	deadline := time.Now().Add(s.stopLimit)
	shutdown, cancel := context.WithDeadline(work, deadline)
	defer cancel()
	// The public listener goes first, so that probes see the stop to its end.
	for _, hs := range servers {
		if stopErr := hs.Shutdown(shutdown); stopErr != nil {
			hs.Close()
			err = errors.Join(err, fmt.Errorf("stop: %w", stopErr))
		}
	}
	stopWork()
	ended := make(chan struct{})
	go func() {
		background.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(max(time.Until(deadline), min(lastMoment, s.stopLimit))):
		s.logger.LogAttrs(work, slog.LevelError, "background work did not end in time; it is cut off")
	}
	return err
}

func (s *Server) httpServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      60 * time.Second,
		IdleTimeout:       120 * time.Second,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(complaints{s.logger.Handler()}, slog.LevelWarn),
	}
}

// complaints passes on what net/http says about connections, and takes the weight from what is about a single one.
type complaints struct{ slog.Handler }

// clientsOwn marks lines that are about one client, which broke off or spoke nonsense: no news.
var clientsOwn = []string{"TLS handshake error", "EOF", "connection reset by peer", "broken pipe", "i/o timeout", "contains semicolon"}

// Handle implements [slog.Handler].
func (c complaints) Handle(ctx context.Context, r slog.Record) error {
	if slices.ContainsFunc(clientsOwn, func(mark string) bool { return strings.Contains(r.Message, mark) }) {
		r.Level = slog.LevelDebug
	}
	if !c.Enabled(ctx, r.Level) {
		return nil
	}
	return c.Handler.Handle(ctx, r)
}
