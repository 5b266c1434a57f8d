package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// stopLimit bounds how long a stopping server waits for requests under way.
const stopLimit = 20 * time.Second

// Run serves on the two listeners until ctx ends, then stops in order: readiness fails, requests under way get up to 20
// seconds, the background work ends. The listeners are closed when it returns. management may be nil.
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
	shutdown, cancel := context.WithTimeout(work, stopLimit)
	defer cancel()
	// The public listener goes first, so that probes see the stop to its end.
	for _, hs := range servers {
		if stopErr := hs.Shutdown(shutdown); stopErr != nil {
			hs.Close()
			err = errors.Join(err, fmt.Errorf("stop: %w", stopErr))
		}
	}
	stopWork()
	background.Wait()
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
		ErrorLog:          slog.NewLogLogger(s.logger.Handler(), slog.LevelDebug), // clients that go away are no news
	}
}
