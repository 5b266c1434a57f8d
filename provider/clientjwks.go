package provider

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/futakagi/futakagi/client"
	"github.com/futakagi/futakagi/internal/outbound"
)

const (
	// maxClientKeys bounds a key set that a client publishes: more than any rotation needs, and few enough to look through. Inline there
	// are fewer (client.MaxKeys).
	maxClientKeys = 50
	// A key set is kept for as long as its answer says, within these bounds.
	minKeysFresh, maxKeysFresh = time.Minute, time.Hour
	// keysRetry is how often at most a client's key set is fetched, whoever asks for keys that it does not have.
	keysRetry = time.Minute
	// keysStale is how long the last good set counts while the client's server does not answer.
	keysStale = 24 * time.Hour
)

// errNoKeys says that a client's keys are not to be had now.
var errNoKeys = errors.New("no keys of the client")

// parseKeySet reads the key set of a client (RFC 7517 section 5). Keys of kinds that we do not know, or that are not for signatures, are
// passed over, as the RFC wants; a private or symmetric key is an error, since whoever publishes one has given it away.
func parseKeySet(raw []byte) ([]jose.JSONWebKey, error) {
	members, err := parseObject(raw)
	if err != nil {
		return nil, fmt.Errorf("read key set: %w", err)
	}
	var all []json.RawMessage
	if err := json.Unmarshal(members["keys"], &all); err != nil || all == nil {
		return nil, errors.New("read key set: keys is no array")
	}
	if len(all) > maxClientKeys {
		return nil, fmt.Errorf("read key set: more than %d keys", maxClientKeys)
	}
	var keys []jose.JSONWebKey
	for i, one := range all {
		key, ok, err := parseKey(one)
		if err != nil {
			return nil, fmt.Errorf("read key set: key %d: %w", i, err)
		}
		if ok {
			keys = append(keys, key)
		}
	}
	return keys, nil
}

// parseKey reads one public key; ok is false for one that signatures cannot be verified with.
func parseKey(raw json.RawMessage) (key jose.JSONWebKey, ok bool, err error) {
	members, err := parseObject(raw)
	if err != nil {
		return key, false, err
	}
	for _, secret := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"} {
		if _, ok := members[secret]; ok {
			return key, false, errors.New("it holds a secret")
		}
	}
	if use, there := members["use"]; there {
		if s, ok := textOf(use); !ok || s != "sig" {
			return key, false, nil
		}
	}
	if ops, there := members["key_ops"]; there && !verifies(ops) {
		return key, false, nil
	}
	if key.UnmarshalJSON(raw) != nil || !usableKey(key.Key) {
		return jose.JSONWebKey{}, false, nil //nolint:nilerr // a key of a kind that we do not know is passed over
	}
	return key, true, nil
}

// readKeys parses what the registration says of keys. A set that cannot be read, or an algorithm that we do not know, is a registration
// that is not understood.
func (c *Client) readKeys() (err error) {
	s := c.settings
	for _, alg := range []string{s.AssertionAlg, s.RequestObjectAlg} {
		if alg != "" && len(c.algs(alg)) == 0 {
			return fmt.Errorf("unknown signature algorithm %q", alg)
		}
	}
	if s.Profile != "" && s.Profile != client.ProfileFAPI2 {
		return fmt.Errorf("unknown profile %q", s.Profile)
	}
	if len(s.JWKS) > 0 && s.JWKSURI != "" {
		return errors.New("keys in two places")
	}
	if len(s.JWKS) > 0 {
		c.keys, err = parseKeySet(s.JWKS)
	}
	return err
}

// hasKeys reports whether the client can sign anything that we verify.
func (c *Client) hasKeys() bool { return len(c.keys) > 0 || c.settings.JWKSURI != "" }

// verifies reports whether key_ops has the operation that the public half of a signing key is for (RFC 7517 section 4.3).
func verifies(ops json.RawMessage) bool {
	var list []string
	if json.Unmarshal(ops, &list) != nil {
		return false
	}
	return slices.Contains(list, "verify")
}

// clientKeys finds the keys that clients sign with. Those behind a jwks_uri are fetched when they are needed, never within a transaction,
// and kept in memory: each server asks for itself.
type clientKeys struct {
	fetcher *outbound.Client // nil: nothing is fetched
	now     func() time.Time
	logger  *slog.Logger

	mu   sync.Mutex
	sets map[string]*fetchedSet // by client id
}

// fetchedSet is what is known of one jwks_uri. Its fields belong to the mutex of clientKeys.
type fetchedSet struct {
	uri        string
	keys       []jose.JSONWebKey
	got        time.Time // when keys came; zero: never
	freshUntil time.Time
	tried      time.Time     // when the last fetch began
	running    chan struct{} // closed when the fetch under way has ended; nil if there is none
}

func newClientKeys(fetcher *outbound.Client, now func() time.Time, logger *slog.Logger) *clientKeys {
	return &clientKeys{fetcher: fetcher, now: now, logger: logger, sets: map[string]*fetchedSet{}}
}

// of returns the keys of a client, among them those with the id if the client has published it by now. It fails with errNoKeys.
func (k *clientKeys) of(ctx context.Context, c *Client, kid string) ([]jose.JSONWebKey, error) {
	if c.settings.JWKSURI == "" {
		if len(c.keys) == 0 {
			return nil, errNoKeys
		}
		return c.keys, nil
	}
	// Whoever waits for a fetch looks again at what it brought, and does not start another.
	for range 2 {
		keys, wait := k.look(ctx, c, kid)
		if wait == nil {
			if len(keys) == 0 {
				return nil, errNoKeys
			}
			return keys, nil
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	keys, _ := k.look(ctx, c, "")
	if len(keys) == 0 {
		return nil, errNoKeys
	}
	return keys, nil
}

// look returns what is known, or what to wait for. It starts a fetch if the keys are old or the id is not among them, but not twice in
// keysRetry.
func (k *clientKeys) look(ctx context.Context, c *Client, kid string) (keys []jose.JSONWebKey, wait <-chan struct{}) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.now()
	set := k.sets[c.id]
	if set == nil || set.uri != c.settings.JWKSURI {
		set = &fetchedSet{uri: c.settings.JWKSURI}
		k.sets[c.id] = set
	}
	if now.Before(set.freshUntil) && hasKey(set.keys, kid) {
		return set.keys, nil
	}
	if set.running != nil {
		return nil, set.running
	}
	if k.fetcher != nil && (set.tried.IsZero() || now.Sub(set.tried) >= keysRetry) {
		set.tried, set.running = now, make(chan struct{})
		// Others may wait for it too: that whoever came first has gone does not end it.
		go k.fetch(context.WithoutCancel(ctx), c.id, set, set.running)
		return nil, set.running
	}
	if set.got.IsZero() || now.Sub(set.got) >= keysStale {
		return nil, nil
	}
	return set.keys, nil
}

func hasKey(keys []jose.JSONWebKey, kid string) bool {
	for _, key := range keys {
		if kid == "" || key.KeyID == kid {
			return true
		}
	}
	return false
}

// fetch gets a key set and ends the waiting.
func (k *clientKeys) fetch(ctx context.Context, id string, set *fetchedSet, done chan struct{}) {
	keys, fresh, err := k.get(ctx, set.uri)
	k.mu.Lock()
	defer k.mu.Unlock()
	defer close(done)
	set.running = nil
	if err != nil {
		// The address is the client's; the error names no more of it than its host.
		k.logger.WarnContext(ctx, "key set of client not fetched", "client_id", id, "error", err)
		return
	}
	set.keys, set.got = keys, k.now()
	set.freshUntil = set.got.Add(fresh)
}

// get asks for a key set. How long that may take is for the client of HTTP to bound.
func (k *clientKeys) get(ctx context.Context, uri string) (keys []jose.JSONWebKey, fresh time.Duration, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, uri, http.NoBody)
	if err != nil {
		return nil, 0, errors.New("jwks_uri is no address")
	}
	r.Header.Set("Accept", "application/jwk-set+json, application/json")
	answer, err := k.fetcher.Do(r)
	if err != nil {
		return nil, 0, err
	}
	if answer.Status != http.StatusOK {
		return nil, 0, fmt.Errorf("answer %d", answer.Status)
	}
	if keys, err = parseKeySet(answer.Body); err != nil {
		return nil, 0, err
	}
	if len(keys) == 0 {
		return nil, 0, errors.New("the key set has no key that signatures can be verified with")
	}
	return keys, freshness(answer.Header), nil
}

// freshness is how long an answer says that it may be kept (RFC 9111 section 5.2.2), within our bounds. What forbids to keep it gets the
// least: a fetch for each request would let anybody send us there.
func freshness(h http.Header) time.Duration {
	for directive := range strings.SplitSeq(strings.Join(h.Values("Cache-Control"), ","), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		if !strings.EqualFold(name, "max-age") {
			continue
		}
		seconds, err := strconv.ParseUint(strings.Trim(value, `"`), 10, 31)
		if err != nil {
			break
		}
		return min(max(time.Duration(seconds)*time.Second, minKeysFresh), maxKeysFresh)
	}
	return minKeysFresh
}
