package demo

import (
	"io"
	"log/slog"
	"time"
)

// Options are what the flags of `futakagi demo` choose. A port of 0 means a free
// one.
type Options struct {
	// Port is the provider's (--port).
	Port int
	// StorePort is the sample store's (--store-port).
	StorePort int
	// MyPagePort is the sample My Page's (--mypage-port).
	MyPagePort int
	// InboxPort is the inbox's (--inbox-port).
	InboxPort int
	// Database is where the data goes (--database): sqlite:PATH or postgres://….
	// Empty means a file in a temporary folder that is removed at the end.
	Database string
	// Out receives the announcement; nil means none.
	Out io.Writer
	// Logger is used by every part. Required.
	Logger *slog.Logger
	// Now is the clock of the provider and of the sites; nil means time.Now.
	Now func() time.Time
}

// DefaultOptions are the ports of the documentation.
func DefaultOptions() Options {
	return Options{Port: 8080, StorePort: 8081, MyPagePort: 8082, InboxPort: 8025}
}
