package testapp

import (
	"context"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
)

// Browser keeps cookies and sends what a browser sends. It does not follow redirects by itself, so that a test sees each.
type Browser struct {
	t      testing.TB
	base   *url.URL
	client *http.Client
	// UserAgent is the User-Agent header; empty sends that of Go.
	UserAgent string
	// Lang is the Accept-Language header.
	Lang string
}

// NewBrowser returns a browser without cookies.
func (a *App) NewBrowser(t testing.TB) *Browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	base, err := url.Parse(a.URL)
	if err != nil {
		t.Fatal(err)
	}
	return &Browser{t: t, base: base, Lang: "ja", client: &http.Client{
		Jar:           secureJar{jar},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// secureJar treats loopback HTTP as secure, as browsers do: our cookies are Secure.
type secureJar struct{ *cookiejar.Jar }

func asHTTPS(u *url.URL) *url.URL {
	c := *u
	c.Scheme = "https"
	return &c
}

func (j secureJar) SetCookies(u *url.URL, cs []*http.Cookie) { j.Jar.SetCookies(asHTTPS(u), cs) }
func (j secureJar) Cookies(u *url.URL) []*http.Cookie        { return j.Jar.Cookies(asHTTPS(u)) }

// Page is an answer, read to its end.
type Page struct {
	// URL is where it was fetched.
	URL    *url.URL
	Status int
	Header http.Header
	Body   string
}

// Location is where a redirect leads, resolved.
func (p Page) Location() *url.URL {
	loc, err := p.URL.Parse(p.Header.Get("Location"))
	if err != nil || p.Header.Get("Location") == "" {
		return &url.URL{}
	}
	return loc
}

// Flow is the id of the sign-in the page belongs to.
func (p Page) Flow() string {
	if id := p.URL.Query().Get("flow"); id != "" {
		return id
	}
	return p.Location().Query().Get("flow")
}

// Get fetches a path or URL.
func (b *Browser) Get(path string) Page {
	b.t.Helper()
	return b.do(http.MethodGet, path, nil, nil)
}

// Post submits a form the way a page of the same site would.
func (b *Browser) Post(path string, form url.Values) Page {
	b.t.Helper()
	if form == nil {
		form = url.Values{} // a form without fields is still sent as one
	}
	return b.do(http.MethodPost, path, form, b.sameOrigin(path))
}

// sameOrigin are the headers of what a page sends to its own site.
func (b *Browser) sameOrigin(path string) map[string]string {
	b.t.Helper()
	to, err := b.base.Parse(path)
	if err != nil {
		b.t.Fatal(err)
	}
	return map[string]string{"Origin": to.Scheme + "://" + to.Host, "Sec-Fetch-Site": "same-origin"}
}

// PostWith submits a form with chosen headers.
func (b *Browser) PostWith(path string, form url.Values, headers map[string]string) Page {
	b.t.Helper()
	return b.do(http.MethodPost, path, form, headers)
}

// Do sends a request as it is, with any method and headers.
func (b *Browser) Do(method, path string, form url.Values, headers map[string]string) Page {
	b.t.Helper()
	return b.do(method, path, form, headers)
}

// Raw posts any body under any content type: a form's if that is empty, none if it is "-".
func (b *Browser) Raw(path, contentType, body string) Page {
	b.t.Helper()
	if contentType == "" {
		contentType = "application/x-www-form-urlencoded"
	}
	headers := b.sameOrigin(path)
	if contentType != "-" {
		headers["Content-Type"] = contentType
	}
	return b.send(http.MethodPost, path, strings.NewReader(body), headers)
}

// Follow fetches a path and then follows redirects, as long as they stay on the server.
func (b *Browser) Follow(p Page) Page {
	b.t.Helper()
	for range 10 {
		if p.Status < 300 || p.Status > 399 {
			return p
		}
		loc := p.Location()
		if loc.Host != b.base.Host {
			return p
		}
		p = b.Get(loc.String())
	}
	b.t.Fatalf("redirects go in circles, last at %s", p.URL)
	return p
}

// Open is Get and Follow.
func (b *Browser) Open(path string) Page {
	b.t.Helper()
	return b.Follow(b.Get(path))
}

// Submit is Post and Follow.
func (b *Browser) Submit(path string, form url.Values) Page {
	b.t.Helper()
	return b.Follow(b.Post(path, form))
}

// Cookies are those the browser would send to the server.
func (b *Browser) Cookies() []*http.Cookie { return b.client.Jar.Cookies(b.base) }

// SetCookie plants a cookie.
func (b *Browser) SetCookie(c *http.Cookie) {
	c.Secure, c.Path = true, "/"
	b.client.Jar.SetCookies(b.base, []*http.Cookie{c})
}

func (b *Browser) do(method, path string, form url.Values, headers map[string]string) Page {
	b.t.Helper()
	if form == nil {
		return b.send(method, path, nil, headers)
	}
	all := map[string]string{"Content-Type": "application/x-www-form-urlencoded"}
	maps.Copy(all, headers)
	return b.send(method, path, strings.NewReader(form.Encode()), all)
}

func (b *Browser) send(method, path string, body io.Reader, headers map[string]string) Page {
	b.t.Helper()
	u, err := b.base.Parse(path)
	if err != nil {
		b.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(context.WithoutCancel(b.t.Context()), method, u.String(), body)
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Accept", "text/html,application/xhtml+xml")
	req.Header.Set("Accept-Language", b.Lang)
	if b.UserAgent != "" {
		req.Header.Set("User-Agent", b.UserAgent)
	}
	for k, v := range headers {
		req.Header.Set(k, v)
	}
	res, err := b.client.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return Page{URL: u, Status: res.StatusCode, Header: res.Header, Body: string(text)}
}
