package rpcheck

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"time"
)

// browser keeps cookies and follows redirects, but never to the issuer: what would go there is read instead.
type browser struct {
	authorize string
	jar       *jar
	client    *http.Client
}

// page is where a browser ended up. A request says that it was at the issuer's door.
type page struct {
	url     *url.URL
	status  int
	body    string
	request url.Values
}

// jar treats addresses of this machine as secure, as browsers do, and can be copied.
type jar struct {
	*cookiejar.Jar
	set []setCookies
}

type setCookies struct {
	at      *url.URL
	cookies []*http.Cookie
}

func secure(u *url.URL) *url.URL {
	c := *u
	c.Scheme = "https"
	return &c
}

// SetCookies implements [http.CookieJar].
func (j *jar) SetCookies(u *url.URL, cookies []*http.Cookie) {
	j.set = append(j.set, setCookies{secure(u), cookies})
	j.Jar.SetCookies(secure(u), cookies)
}

// Cookies implements [http.CookieJar].
func (j *jar) Cookies(u *url.URL) []*http.Cookie { return j.Jar.Cookies(secure(u)) }

func newBrowser(authorize string) *browser {
	inner, err := cookiejar.New(nil)
	if err != nil {
		panic("rpcheck: " + err.Error()) // without options it cannot fail
	}
	b := &browser{authorize: authorize, jar: &jar{Jar: inner}}
	// A connection for each request: what a careless server sends behind an answer is nobody's next answer.
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true}
	b.client = &http.Client{
		Jar: b.jar, Timeout: 30 * time.Second, Transport: transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return b
}

// clone is another browser with the same cookies.
func (b *browser) clone() *browser {
	c := newBrowser(b.authorize)
	for _, s := range b.jar.set {
		c.jar.SetCookies(s.at, s.cookies)
	}
	return c
}

func (b *browser) get(ctx context.Context, address string) (page, error) {
	return b.open(ctx, http.MethodGet, address, nil)
}

func (b *browser) post(ctx context.Context, address string, form url.Values) (page, error) {
	return b.open(ctx, http.MethodPost, address, form)
}

// maxPage bounds what is read of a page.
const maxPage = 4 << 20

func (b *browser) open(ctx context.Context, method, address string, form url.Values) (page, error) {
	for range 20 {
		u, err := url.Parse(address)
		if err != nil {
			return page{}, fmt.Errorf("the relying party leads to something that is no address: %w", err)
		}
		if request, ok := b.atIssuer(u); ok {
			return page{url: u, request: request}, nil
		}
		req, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(form.Encode()))
		if err != nil {
			return page{}, fmt.Errorf("ask the relying party: %w", err)
		}
		req.Header.Set("Accept", "text/html,application/xhtml+xml")
		if form != nil {
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		res, err := b.client.Do(req)
		if err != nil {
			return page{}, fmt.Errorf("ask the relying party: %w", err)
		}
		body, err := io.ReadAll(io.LimitReader(res.Body, maxPage))
		res.Body.Close()
		if err != nil {
			return page{}, fmt.Errorf("read the relying party's page: %w", err)
		}
		to := res.Header.Get("Location")
		if res.StatusCode < 300 || res.StatusCode > 399 || to == "" {
			return page{url: u, status: res.StatusCode, body: string(body)}, nil
		}
		next, err := u.Parse(to)
		if err != nil {
			return page{}, fmt.Errorf("the relying party leads to something that is no address: %w", err)
		}
		address = next.String()
		if res.StatusCode != http.StatusTemporaryRedirect && res.StatusCode != http.StatusPermanentRedirect {
			method, form = http.MethodGet, nil
		}
	}
	return page{}, errors.New("the relying party's redirects go in circles")
}

// atIssuer reads the authorization request of an address at the issuer's door.
func (b *browser) atIssuer(u *url.URL) (url.Values, bool) {
	if bare, _, _ := strings.Cut(u.String(), "?"); bare != b.authorize {
		return nil, false
	}
	q, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		q = url.Values{}
	}
	return q, true
}
