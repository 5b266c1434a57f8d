package demo

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"
)

// PortError says that a port of the demo is taken.
type PortError struct {
	// Port is the number.
	Port int
	// Flag is the flag that chooses another, for instance --store-port.
	Flag string
}

// Error names the port, the flag and what to do.
func (e *PortError) Error() string {
	return fmt.Sprintf("port %d is already in use: stop the program that uses it, or choose another port with %s", e.Port, e.Flag)
}

// listeners opens the demo's ports, all or none.
type listeners struct {
	provider, store, mypage, inbox, smtp net.Listener
}

func listen(ctx context.Context, o Options) (*listeners, error) {
	l := new(listeners)
	var problems []error
	for _, want := range []struct {
		into *net.Listener
		port int
		flag string
	}{
		{&l.provider, o.Port, "--port"},
		{&l.store, o.StorePort, "--store-port"},
		{&l.mypage, o.MyPagePort, "--mypage-port"},
		{&l.inbox, o.InboxPort, "--inbox-port"},
		{&l.smtp, 0, ""},
	} {
		opened, err := listenPort(ctx, want.port, want.flag)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		*want.into = opened
	}
	if err := errors.Join(problems...); err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

// listenPort listens on loopback only: the demo's passwords are known to all.
func listenPort(ctx context.Context, port int, flag string) (net.Listener, error) {
	if port < 0 || port > 65535 {
		return nil, fmt.Errorf("%s: %d is not a port number (1 to 65535)", flag, port)
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, &PortError{Port: port, Flag: flag}
	}
	if errors.Is(err, syscall.EACCES) {
		return nil, fmt.Errorf("port %d may not be opened by this user: choose one above 1023 with %s", port, flag)
	}
	if err != nil {
		return nil, fmt.Errorf("listen on port %d (%s): %w", port, flag, err)
	}
	return l, nil
}

func (l *listeners) close() {
	for _, one := range []net.Listener{l.provider, l.store, l.mypage, l.inbox, l.smtp} {
		if one != nil {
			_ = one.Close() // nothing was accepted on it yet
		}
	}
}

// baseURL is the address of a listener as a browser reaches it. Browsers treat
// http://localhost as a secure context, which the provider's cookies need.
func baseURL(l net.Listener) string {
	return "http://localhost:" + strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}
