package mfa

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-webauthn/webauthn/protocol"

	"github.com/futakagi/futakagi/mfa/webauthntest"
	"github.com/futakagi/futakagi/store"
)

// What is asked for in the tests of passkeys, and by whom.
const (
	passkeyDomain = "id.example.jp"
	passkeyOrigin = "https://id.example.jp"
	passkeyPort   = "https://accounts.id.example.jp:8443"
)

var (
	passkeyTime = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	handleOne   = []byte("handle-of-the-one")
	handleOther = []byte("handle-of-another")
)

func newTestParty(t testing.TB) *relyingParty {
	t.Helper()
	rp, err := newRelyingParty(passkeyDomain, "ふたかぎ", []string{passkeyOrigin, passkeyPort})
	if err != nil {
		t.Fatal(err)
	}
	return rp
}

// newTestKey is an authenticator at the relying party's page: a phone, unless changed.
func newTestKey(changes ...func(*webauthntest.Authenticator)) *webauthntest.Authenticator {
	key := &webauthntest.Authenticator{
		Origin: passkeyOrigin, Verifies: true, Discovers: true, Transports: []string{"internal"}, Attachment: "platform",
	}
	for _, change := range changes {
		if change != nil {
			change(key)
		}
	}
	return key
}

// i8Case is an answer that must be refused for one reason.
type i8Case struct {
	name string
	want passkeyRefusal
	// run gives the answer to a relying party, and returns what that makes of it.
	run func(*testing.T, *relyingParty) error
}

// registering is how a case of a registration departs from one that is accepted.
type registering struct {
	key     func(*webauthntest.Authenticator)
	tamper  webauthntest.Tamper
	session func(*ceremony)
	holder  []byte
	after   time.Duration
}

func (c registering) run(t *testing.T, rp *relyingParty) error {
	t.Helper()
	options, session, err := rp.beginRegistration(passkeyHolder{Handle: handleOne, Name: "tanaka"}, nil, passkeyTime)
	if err != nil {
		t.Fatal(err)
	}
	body, err := newTestKey(c.key).Create(options, c.tamper)
	if err != nil {
		t.Fatal(err)
	}
	if c.holder == nil {
		c.holder = handleOne
	}
	_, err = rp.finishRegistration(editSession(t, session, c.session), body, c.holder, passkeyTime.Add(c.after))
	return err
}

// answering gives an answer to options.
type answering func(*testing.T, *relyingParty, *webauthntest.Authenticator, json.RawMessage) []byte

// asserting is how a case of an assertion departs from one that is accepted.
type asserting struct {
	key func(*webauthntest.Authenticator)
	// anybody is whether any passkey may answer; otherwise it is the account's one that is asked for.
	anybody bool
	verify  bool
	// before changes the authenticator between registration and use.
	before func(*webauthntest.Authenticator)
	// stored changes what is known about the credential, lookup what is found.
	stored func(*storedCredential)
	lookup error
	tamper webauthntest.Tamper
	// answers gives the answer instead of the authenticator.
	answers answering
	session func(*ceremony)
	after   time.Duration
}

func (c asserting) run(t *testing.T, rp *relyingParty) error {
	t.Helper()
	key := newTestKey(c.key)
	stored := storedCredential{Owner: handleOne, Credential: register(t, key, handleOne)}
	if c.before != nil {
		c.before(key)
	}
	var handle []byte
	var allowed []credential
	if !c.anybody {
		handle, allowed = handleOne, []credential{stored.Credential}
	}
	options, session, err := rp.beginAssertion(handle, allowed, c.verify, passkeyTime)
	if err != nil {
		t.Fatal(err)
	}
	answers := c.answers
	if answers == nil {
		answers = func(t *testing.T, _ *relyingParty, key *webauthntest.Authenticator, options json.RawMessage) []byte {
			return use(t, key, options, c.tamper)
		}
	}
	body := answers(t, rp, key, options)
	if c.stored != nil {
		c.stored(&stored)
	}
	_, err = rp.finishAssertion(editSession(t, session, c.session), body, func(_, _ []byte) (storedCredential, error) {
		return stored, c.lookup
	}, passkeyTime.Add(c.after))
	return err
}

// register makes a passkey that is accepted.
func register(t testing.TB, key *webauthntest.Authenticator, handle []byte) credential {
	t.Helper()
	rp := newTestParty(t)
	options, session, err := rp.beginRegistration(passkeyHolder{Handle: handle, Name: "tanaka", DisplayName: "田中"}, nil, passkeyTime)
	if err != nil {
		t.Fatal(err)
	}
	body, err := key.Create(options)
	if err != nil {
		t.Fatal(err)
	}
	c, err := rp.finishRegistration(session, body, handle, passkeyTime)
	if err != nil {
		t.Fatalf("%v\n%s", err, body)
	}
	return c
}

func use(t *testing.T, key *webauthntest.Authenticator, options json.RawMessage, tampers ...webauthntest.Tamper) []byte {
	t.Helper()
	body, err := key.Get(options, tampers...)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func editSession(t *testing.T, session []byte, edit func(*ceremony)) []byte {
	t.Helper()
	if edit == nil {
		return session
	}
	c, err := readCeremony(session)
	if err != nil {
		t.Fatal(err)
	}
	edit(&c)
	session, err = json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	return session
}

// corpus are all the cases. Each departs in one thing from an answer that TestI8_GenuineAnswersAreAccepted shows to be accepted.
func corpus() []i8Case {
	var all []i8Case
	add := func(name string, want passkeyRefusal, run func(*testing.T, *relyingParty) error) {
		all = append(all, i8Case{name, want, run})
	}
	for _, c := range tamperedAnswers() {
		add("registration/"+c.name, c.want, registering{tamper: c.tamper, session: c.session, after: c.after}.run)
		add("assertion/"+c.name, c.want, asserting{tamper: c.tamper, session: c.session, after: c.after}.run)
		add("sign-in/"+c.name, c.want, asserting{tamper: c.tamper, session: c.session, after: c.after, anybody: true}.run)
	}
	for _, c := range registrations() {
		add("registration/"+c.name, c.want, c.registering.run)
	}
	for _, c := range assertions() {
		add("assertion/"+c.name, c.want, c.asserting.run)
	}
	return all
}

// tampered is a case that is the same for every ceremony.
type tampered struct {
	name    string
	want    passkeyRefusal
	tamper  webauthntest.Tamper
	session func(*ceremony)
	after   time.Duration
}

// forgedOrigins are all not one of ours, though the library takes some of them for it.
var forgedOrigins = []string{
	"", "null", "https://evil.example", "http://id.example.jp", "HTTPS://id.example.jp", "https://ID.example.jp",
	"https://id.example.jp:443", "https://id.example.jp:8443", "https://id.example.jp:80", "https://accounts.id.example.jp",
	"https://accounts.id.example.jp:8444", "https://id.example.jp/", "https://id.example.jp/path", "https://id.example.jp?x",
	"https://id.example.jp#x",
	"https://user@id.example.jp", "https://id.example.jp@evil.example", "https://id.example.jp.evil.example", "https://evilid.example.jp",
	"https://other.id.example.jp", "https://example.jp", "https://id.example.jp.", " https://id.example.jp", "https://id.example.jp ",
	"https://id.example.jp\x00", "https://id。example.jp", "https://ıd.example.jp", "id.example.jp", "//id.example.jp",
	"android:apk-key-hash:Zm9v", "file://", "https://id.example.jp,https://evil.example",
}

func tamperedAnswers() []tampered {
	clientJSON := func(old, changed string) webauthntest.Tamper {
		return webauthntest.Tamper{ClientJSON: replace(old, changed)}
	}
	other := map[string]string{"webauthn.create": "webauthn.get", "webauthn.get": "webauthn.create"}
	all := []tampered{
		{
			name: "session of the other ceremony", want: refusedCeremony,
			session: func(c *ceremony) { c.Kind = protocol.CeremonyType(other[string(c.Kind)]) },
		},
		{name: "session of no ceremony", want: refusedCeremony, session: func(c *ceremony) { c.Kind = "" }},
		{name: "at the session's end", want: refusedExpired, after: 5 * time.Minute},
		{name: "a day later", want: refusedExpired, after: 24 * time.Hour},
		{
			name: "type of the other ceremony", want: refusedType,
			tamper: onClient(func(c *webauthntest.ClientData) { c.Type = other[c.Type] }),
		},
		{
			name: "type in upper case", want: refusedType,
			tamper: onClient(func(c *webauthntest.ClientData) { c.Type = strings.ToUpper(c.Type) }),
		},
		{name: "no type", want: refusedType, tamper: onClient(func(c *webauthntest.ClientData) { c.Type = "" })},
		{name: "payment", want: refusedType, tamper: onClient(func(c *webauthntest.ClientData) { c.Type = "payment.get" })},
		{name: "another challenge", want: refusedChallenge, tamper: onClient(func(c *webauthntest.ClientData) {
			c.Challenge = base64.RawURLEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32))
		})},
		{
			name: "challenge of another session", want: refusedChallenge,
			session: func(c *ceremony) { c.Challenge = bytes.Repeat([]byte{9}, 32) },
		},
		{name: "no challenge", want: refusedChallenge, tamper: onClient(func(c *webauthntest.ClientData) { c.Challenge = "" })},
		{
			name: "challenge cut short", want: refusedChallenge,
			tamper: onClient(func(c *webauthntest.ClientData) { c.Challenge = c.Challenge[:42] }),
		},
		{
			name: "challenge with padding", want: refusedChallenge,
			tamper: onClient(func(c *webauthntest.ClientData) { c.Challenge += "=" }),
		},
		{
			name: "crossOrigin true", want: refusedCrossOrigin,
			tamper: onClient(func(c *webauthntest.ClientData) { c.CrossOrigin = true }),
		},
		{name: "crossOrigin null", want: refusedCrossOrigin, tamper: clientJSON(`"crossOrigin":false`, `"crossOrigin":null`)},
		{
			name: "top origin of our own", want: refusedTopOrigin,
			tamper: onClient(func(c *webauthntest.ClientData) { c.TopOrigin = new(passkeyOrigin) }),
		},
		{
			name: "top origin without content", want: refusedTopOrigin,
			tamper: onClient(func(c *webauthntest.ClientData) { c.TopOrigin = new("") }),
		},
		{
			name: "top origin null", want: refusedTopOrigin,
			tamper: clientJSON(`"crossOrigin":false`, `"crossOrigin":false,"topOrigin":null`),
		},
		{name: "origin under another name", want: refusedOrigin, tamper: clientJSON(`"origin":`, `"Origin":`)},
		{
			name: "another relying party", want: refusedRelyingParty,
			tamper: onData(func(d *webauthntest.Data) { d.RPIDHash = hashOf("evil.example") }),
		},
		{
			name: "relying party above", want: refusedRelyingParty,
			tamper: onData(func(d *webauthntest.Data) { d.RPIDHash = hashOf("example.jp") }),
		},
		{
			name: "relying party below", want: refusedRelyingParty,
			tamper: onData(func(d *webauthntest.Data) { d.RPIDHash = hashOf("accounts.id.example.jp") }),
		},
		{
			name: "origin for relying party", want: refusedRelyingParty,
			tamper: onData(func(d *webauthntest.Data) { d.RPIDHash = hashOf(passkeyOrigin) }),
		},
		{
			name: "no relying party", want: refusedRelyingParty,
			tamper: onData(func(d *webauthntest.Data) { d.RPIDHash = make([]byte, 32) }),
		},
		{
			name: "nobody there", want: refusedPresence,
			tamper: onData(func(d *webauthntest.Data) { d.Flags &^= webauthntest.UserPresent }),
		},
		{
			name: "user not verified", want: refusedVerification, session: func(c *ceremony) { c.VerifyUser = true },
			tamper: onData(func(d *webauthntest.Data) { d.Flags &^= webauthntest.UserVerified }),
		},
		{
			name: "backed up but not eligible", want: refusedBackupState,
			tamper: onData(func(d *webauthntest.Data) { d.Flags |= webauthntest.BackedUp }),
		},

		// The form. Each is refused by the library, or reads in two ways of which the library takes one.
		{name: "nothing", want: refusedForm, tamper: text(func([]byte) []byte { return nil })},
		{name: "null", want: refusedForm, tamper: text(func([]byte) []byte { return []byte("null") })},
		{name: "empty object", want: refusedForm, tamper: text(func([]byte) []byte { return []byte("{}") })},
		{name: "array", want: refusedForm, tamper: text(func(b []byte) []byte { return []byte("[" + string(b) + "]") })},
		{name: "cut short", want: refusedForm, tamper: text(func(b []byte) []byte { return b[:len(b)-1] })},
		{name: "two answers", want: refusedForm, tamper: text(func(b []byte) []byte { return slices.Concat(b, b) })},
		{name: "too large", want: refusedForm, tamper: text(func(b []byte) []byte {
			return slices.Concat(b, bytes.Repeat([]byte(" "), maxAnswer+1-len(b)))
		})},
		{name: "too deep", want: refusedForm, tamper: onAnswer(func(a map[string]any) { a["more"] = nested(maxAnswerDepth) })},
		{name: "too wide", want: refusedForm, tamper: onAnswer(func(a map[string]any) { a["more"] = wide(maxAnswerMembers + 1) })},
		{name: "not UTF-8", want: refusedForm, tamper: text(replace(`"type":`, "\"more\":\"\xff\",\"type\":"))},
		{name: "client data not UTF-8", want: refusedForm, tamper: clientJSON(`"crossOrigin"`, "\"more\":\"\xff\",\"crossOrigin\"")},
		{
			name: "client data not JSON", want: refusedForm,
			tamper: webauthntest.Tamper{ClientJSON: func(b []byte) []byte { return b[1:] }},
		},
		{
			name: "client data twice", want: refusedForm,
			tamper: webauthntest.Tamper{ClientJSON: func(b []byte) []byte { return slices.Concat(b, b) }},
		},
		{name: "client data with two types", want: refusedForm, tamper: clientJSON(`{"type"`, `{"type":"webauthn.evil","type"`)},
		{
			name: "client data with two origins", want: refusedForm,
			tamper: clientJSON(`"origin"`, `"origin":"https://evil.example","origin"`),
		},
		{
			name: "client data with two origins in two cases", want: refusedForm,
			tamper: clientJSON(`"origin"`, `"ORIGIN":"https://evil.example","origin"`),
		},
		{
			name: "crossOrigin in two alphabets", want: refusedForm,
			tamper: clientJSON(`"crossOrigin"`, `"croſſOrigin":true,"crossOrigin"`),
		},
		{name: "crossOrigin text", want: refusedForm, tamper: clientJSON(`"crossOrigin":false`, `"crossOrigin":"false"`)},
		{name: "type twice", want: refusedForm, tamper: text(replace(`"type":`, `"type":"public-key","type":`))},
		{name: "type in two cases", want: refusedForm, tamper: text(replace(`"type":`, `"Type":"public-key","type":`))},
		{name: "response twice", want: refusedForm, tamper: text(replace(`"response":`, `"response":{},"response":`))},
		{
			name: "client data under two names", want: refusedForm,
			tamper: text(replace(`"clientDataJSON":`, `"clientDATAJSON":"e30","clientDataJSON":`)),
		},
		{name: "id under another name", want: refusedForm, tamper: text(replace(`"id":`, `"ID":`))},
		{name: "no response", want: refusedForm, tamper: onAnswer(func(a map[string]any) { delete(a, "response") })},
		{name: "response text", want: refusedForm, tamper: onAnswer(func(a map[string]any) { a["response"] = "x" })},
		{name: "no id", want: refusedForm, tamper: onAnswer(func(a map[string]any) { delete(a, "id") })},
		{name: "no raw id", want: refusedForm, tamper: onAnswer(func(a map[string]any) { delete(a, "rawId") })},
		{name: "two ids", want: refusedForm, tamper: onAnswer(func(a map[string]any) { a["id"] = "AAAAAAAAAAAAAAAAAAAAAA" })},
		{name: "id number", want: refusedForm, tamper: onAnswer(func(a map[string]any) { a["id"] = 7 })},
		{name: "another type of credential", want: refusedForm, tamper: onAnswer(func(a map[string]any) { a["type"] = "password" })},
		{name: "no type of credential", want: refusedForm, tamper: onAnswer(func(a map[string]any) { delete(a, "type") })},
		{name: "no authenticator data", want: refusedForm, tamper: webauthntest.Tamper{
			DataBytes: func([]byte) []byte { return nil },
		}},
		{
			name: "authenticator data cut short", want: refusedForm,
			tamper: webauthntest.Tamper{DataBytes: func(b []byte) []byte { return b[:36] }},
		},
		{
			name: "authenticator data with a byte more", want: refusedForm,
			tamper: webauthntest.Tamper{DataBytes: func(b []byte) []byte { return append(b, 0) }},
		},
		{
			name: "extensions announced and missing", want: refusedForm,
			tamper: onData(func(d *webauthntest.Data) { d.Flags |= webauthntest.Extended }),
		},
		{
			name: "extensions not announced", want: refusedForm,
			tamper: onData(func(d *webauthntest.Data) { d.Extensions = webauthntest.Encode(map[string]any{"x": 1}) }),
		},
		{name: "extensions not a map", want: refusedForm, tamper: onData(func(d *webauthntest.Data) {
			d.Flags |= webauthntest.Extended
			d.Extensions = []byte{0xff}
		})},
		{name: "extensions with a byte more", want: refusedForm, tamper: onData(func(d *webauthntest.Data) {
			d.Flags |= webauthntest.Extended
			d.Extensions = append(webauthntest.Encode(map[string]any{"x": 1}), 0)
		})},
	}
	for _, name := range []string{"id", "rawId"} {
		all = append(all, misspelled(name, func(a map[string]any) map[string]any { return a })...)
	}
	all = append(all, misspelled("clientDataJSON", responseOf)...)
	for _, origin := range forgedOrigins {
		all = append(all, tampered{
			name: fmt.Sprintf("origin %q", origin), want: refusedOrigin,
			tamper: onClient(func(c *webauthntest.ClientData) { c.Origin = origin }),
		})
	}
	return all
}

// misspelled are other spellings of the bytes in a member, most of which the library reads.
func misspelled(name string, in func(map[string]any) map[string]any) []tampered {
	spell := func(how string, change func(string) string) tampered {
		return tampered{name: name + " " + how, want: refusedForm, tamper: onAnswer(func(a map[string]any) {
			members := in(a)
			members[name] = change(members[name].(string))
		})}
	}
	return []tampered{
		spell("with padding", func(s string) string { return s + "=" }),
		spell("with a line break", func(s string) string { return s[:4] + "\n" + s[4:] }),
		spell("with bits to spare", func(s string) string {
			const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
			if len(s)%4 == 0 {
				return s + "B" // the bytes fill their characters: no others spell them
			}
			last := strings.IndexByte(alphabet, s[len(s)-1])
			return s[:len(s)-1] + alphabet[last|1:last|1+1]
		}),
		spell("in another alphabet", func(s string) string { return "+/" + s[2:] }),
	}
}

func responseOf(a map[string]any) map[string]any { return a["response"].(map[string]any) }

// onClient, onData, onAnswer and text tamper with one thing alone.
func onClient(edit func(*webauthntest.ClientData)) webauthntest.Tamper {
	return webauthntest.Tamper{Client: edit}
}

func onData(edit func(*webauthntest.Data)) webauthntest.Tamper {
	return webauthntest.Tamper{Data: edit}
}

func onAnswer(edit func(map[string]any)) webauthntest.Tamper {
	return webauthntest.Tamper{Answer: edit}
}

func text(change func([]byte) []byte) webauthntest.Tamper {
	return webauthntest.Tamper{AnswerJSON: change}
}

func replace(old, changed string) func([]byte) []byte {
	return func(b []byte) []byte { return bytes.Replace(b, []byte(old), []byte(changed), 1) }
}

func nested(depth int) any {
	if depth == 0 {
		return 1
	}
	return []any{nested(depth - 1)}
}

func wide(n int) any {
	members := map[string]int{}
	for i := range n {
		members[fmt.Sprint(i)] = i
	}
	return members
}

func hashOf(s string) []byte {
	hash := sha256.Sum256([]byte(s))
	return hash[:]
}

// registrationCase and assertionCase are cases of one ceremony alone.
type registrationCase struct {
	name string
	want passkeyRefusal
	registering
}

type assertionCase struct {
	name string
	want passkeyRefusal
	asserting
}

// rsaKeys are drawn once: it takes long.
var rsaKeys = sync.OnceValue(func() map[int]*rsa.PrivateKey {
	keys := map[int]*rsa.PrivateKey{}
	for _, bits := range []int{1024, 2048} {
		key, err := rsa.GenerateKey(rand.Reader, bits)
		if err != nil {
			panic(err)
		}
		keys[bits] = key
	}
	return keys
})

// keyed has an authenticator give a key that it does not have.
func keyed(cose func() []byte) registering {
	return registering{tamper: webauthntest.Tamper{Data: func(d *webauthntest.Data) { d.Key = cose() }}}
}

// labelled is a key that names an algorithm.
func labelled(key webauthntest.Algorithm, label webauthntest.Algorithm, changes ...func(map[int]any)) registering {
	return keyed(func() []byte {
		var public crypto.PublicKey
		if key == webauthntest.RS256 {
			public = rsaKeys()[2048].Public()
		} else {
			signer, err := webauthntest.NewKey(key)
			if err != nil {
				panic(err)
			}
			public = signer.Public()
		}
		parameters := webauthntest.KeyParameters(label, public)
		for _, change := range changes {
			change(parameters)
		}
		return webauthntest.Encode(parameters)
	})
}

// attested is a registration with another attestation.
func attested(change func(object map[string]any)) registering {
	return registering{tamper: webauthntest.Tamper{Attestation: change}}
}

// selfAttested is one whose statement the new key signed.
func selfAttested(change func(statement map[string]any)) registering {
	return registering{
		key: func(a *webauthntest.Authenticator) { a.SelfAttests = true },
		tamper: webauthntest.Tamper{Attestation: func(object map[string]any) {
			change(object["attStmt"].(map[string]any))
		}},
	}
}

func registrations() []registrationCase {
	id := func(n int) registering {
		id := bytes.Repeat([]byte{7}, n)
		return registering{tamper: webauthntest.Tamper{
			Data: func(d *webauthntest.Data) { d.ID = id },
			Answer: func(a map[string]any) {
				a["id"] = base64.RawURLEncoding.EncodeToString(id)
				a["rawId"] = a["id"]
			},
		}}
	}
	all := []registrationCase{
		{"another account", refusedAccount, registering{holder: handleOther}},
		{"session of another account", refusedAccount, registering{session: func(c *ceremony) { c.Account = handleOther }}},
		{"session of nobody", refusedAccount, registering{session: func(c *ceremony) { c.Account = nil }}},
		{"short id", refusedID, id(15)},
		{"no id in the data", refusedID, id(0).withID([]byte("sixteen or more bytes"))},
		{"long id", refusedForm, id(1024)},
		{"id other than the attested one", refusedProof, registering{tamper: onAnswer(func(a map[string]any) {
			a["id"] = base64.RawURLEncoding.EncodeToString(bytes.Repeat([]byte{9}, 32))
			a["rawId"] = a["id"]
		})}},

		{"RS1", refusedAlgorithm, labelled(webauthntest.RS256, -65535)},
		{"RS384", refusedAlgorithm, labelled(webauthntest.RS256, -258)},
		{"PS256", refusedAlgorithm, labelled(webauthntest.RS256, -37)},
		{"ES384", refusedAlgorithm, labelled(webauthntest.ES384, webauthntest.ES384)},
		{"ES256K", refusedAlgorithm, labelled(webauthntest.ES256, -47)},
		{"ESP256", refusedAlgorithm, labelled(webauthntest.ES256, -9)},
		{"Ed25519", refusedAlgorithm, labelled(webauthntest.EdDSA, -19)},
		{"HMAC", refusedAlgorithm, labelled(webauthntest.ES256, 5)},
		{"no algorithm", refusedAlgorithm, labelled(webauthntest.ES256, 0, func(p map[int]any) { delete(p, 3) })},

		{"RSA key for ES256", refusedKey, labelled(webauthntest.RS256, webauthntest.ES256)},
		{"RSA key for EdDSA", refusedKey, labelled(webauthntest.RS256, webauthntest.EdDSA)},
		{"P-256 key for EdDSA", refusedKey, labelled(webauthntest.ES256, webauthntest.EdDSA)},
		{"P-256 key for RS256", refusedKey, labelled(webauthntest.ES256, webauthntest.RS256)},
		{"P-384 key for ES256", refusedKey, labelled(webauthntest.ES384, webauthntest.ES256)},
		{"Ed25519 key for ES256", refusedKey, labelled(webauthntest.EdDSA, webauthntest.ES256)},
		{"point beside the curve", refusedKey, labelled(webauthntest.ES256, webauthntest.ES256, func(p map[int]any) { p[-3] = p[-2] })},
		{"no point", refusedKey, labelled(webauthntest.ES256, webauthntest.ES256, func(p map[int]any) { delete(p, -3) })},
		{"no curve", refusedKey, labelled(webauthntest.ES256, webauthntest.ES256, func(p map[int]any) { delete(p, -1) })},
		{"another kind of key", refusedKey, labelled(webauthntest.ES256, webauthntest.ES256, func(p map[int]any) { p[1] = 4 })},
		{
			"weak RSA key", refusedKey,
			keyed(func() []byte { return webauthntest.EncodeKey(webauthntest.RS256, rsaKeys()[1024].Public()) }),
		},
		{
			"huge RSA key", refusedKey,
			labelled(webauthntest.RS256, webauthntest.RS256, func(p map[int]any) { p[-1] = bytes.Repeat([]byte{0xff}, 513) }),
		},
		{"RSA exponent 1", refusedKey, labelled(webauthntest.RS256, webauthntest.RS256, func(p map[int]any) { p[-2] = []byte{1} })},
		{"RSA exponent even", refusedKey, labelled(webauthntest.RS256, webauthntest.RS256, func(p map[int]any) { p[-2] = []byte{4} })},
		{
			"RSA exponent huge", refusedKey,
			labelled(webauthntest.RS256, webauthntest.RS256, func(p map[int]any) { p[-2] = []byte{1, 0, 0, 0, 1} }),
		},
		{
			"key with ballast", refusedKey,
			labelled(webauthntest.ES256, webauthntest.ES256, func(p map[int]any) { p[-70000] = make([]byte, 1024) }),
		},

		{"statement of a security key of old", refusedAttestation, attested(func(o map[string]any) { o["fmt"] = "fido-u2f" })},
		{"statement of a TPM", refusedAttestation, attested(func(o map[string]any) { o["fmt"] = "tpm" })},
		{"statement of no known form", refusedAttestation, attested(func(o map[string]any) { o["fmt"] = "more" })},
		{"compound statement", refusedAttestation, attested(func(o map[string]any) { o["fmt"], o["attStmt"] = "compound", []any{} })},
		{"statement with certificates", refusedAttestation, selfAttested(func(s map[string]any) { s["x5c"] = []any{[]byte{1}} })},
		{"statement with an ECDAA key", refusedAttestation, selfAttested(func(s map[string]any) { s["ecdaaKeyId"] = []byte{1} })},
		{"statement with more than is known", refusedAttestation, selfAttested(func(s map[string]any) { s["more"] = 1 })},

		{"statement in none", refusedProof, attested(func(o map[string]any) { o["attStmt"] = map[string]any{"alg": -7} })},
		{"statement without a signature", refusedProof, selfAttested(func(s map[string]any) { delete(s, "sig") })},
		{"statement with another signature", refusedProof, selfAttested(func(s map[string]any) { flip(s["sig"].([]byte)) })},
		{"statement of another algorithm", refusedProof, selfAttested(func(s map[string]any) { s["alg"] = -257 })},
		{"statement about another credential", refusedProof, selfAttestedAnew(func(d *webauthntest.Data) { d.AAGUID[0] ^= 1 })},

		{"no new credential", refusedForm, registering{tamper: webauthntest.Tamper{Data: func(d *webauthntest.Data) {
			d.Flags &^= webauthntest.Attested
			d.Key = nil
		}}}},
		{"new credential not announced", refusedForm, registering{tamper: webauthntest.Tamper{Data: func(d *webauthntest.Data) {
			d.Flags &^= webauthntest.Attested
		}}}},
		{
			"new credential cut short", refusedForm,
			registering{tamper: webauthntest.Tamper{DataBytes: func(b []byte) []byte { return b[:60] }}},
		},
		{
			"key cut short", refusedForm,
			registering{tamper: webauthntest.Tamper{DataBytes: func(b []byte) []byte { return b[:len(b)-1] }}},
		},
		{"key not a map", refusedForm, keyed(func() []byte { return webauthntest.Encode("key") })},
		{"key with a name twice", refusedForm, keyed(func() []byte { return []byte{0xa3, 0x01, 0x02, 0x03, 0x26, 0x03, 0x26} })},
		{
			"attestation with a byte more", refusedForm,
			registering{tamper: webauthntest.Tamper{AttestationBytes: func(b []byte) []byte { return append(b, 0) }}},
		},
		{
			"attestation cut short", refusedForm,
			registering{tamper: webauthntest.Tamper{AttestationBytes: func(b []byte) []byte { return b[:len(b)-1] }}},
		},
		{"attestation of endless length", refusedForm, registering{tamper: webauthntest.Tamper{AttestationBytes: func(b []byte) []byte {
			return append(append([]byte{0xbf}, b[1:]...), 0xff)
		}}}},
		{
			"no attestation", refusedForm,
			registering{tamper: onAnswer(func(a map[string]any) { delete(responseOf(a), "attestationObject") })},
		},
		{
			"transports not a list", refusedForm,
			registering{tamper: onAnswer(func(a map[string]any) { responseOf(a)["transports"] = "usb" })},
		},
	}
	for _, c := range misspelled("attestationObject", responseOf) {
		all = append(all, registrationCase{c.name, c.want, registering{tamper: c.tamper}})
	}
	return all
}

// withID has the browser name a credential.
func (c registering) withID(id []byte) registering {
	c.tamper.Answer = func(a map[string]any) {
		a["id"] = base64.RawURLEncoding.EncodeToString(id)
		a["rawId"] = a["id"]
	}
	return c
}

// selfAttestedAnew is a self attestation of other data than the attestation's.
func selfAttestedAnew(change func(*webauthntest.Data)) registering {
	var raw []byte
	return registering{
		key: func(a *webauthntest.Authenticator) { a.SelfAttests = true },
		tamper: webauthntest.Tamper{
			Data: func(d *webauthntest.Data) {
				changed := *d
				change(&changed)
				raw = changed.Bytes()
			},
			Attestation: func(o map[string]any) { o["authData"] = raw },
		},
	}
}

func flip(b []byte) { b[len(b)-1] ^= 1 }

func assertions() []assertionCase {
	counting := func(a *webauthntest.Authenticator) { a.Counts = true }
	plain := func(a *webauthntest.Authenticator) { a.Discovers = false }
	count := func(n uint32) webauthntest.Tamper {
		return webauthntest.Tamper{Data: func(d *webauthntest.Data) { d.Count = n }}
	}
	handle := func(set func(response map[string]any)) webauthntest.Tamper {
		return onAnswer(func(a map[string]any) { set(responseOf(a)) })
	}
	signature := func(change func([]byte) []byte) webauthntest.Tamper { return webauthntest.Tamper{Signature: change} }
	all := []assertionCase{
		{"answer to an earlier question", refusedChallenge, asserting{answers: func(
			t *testing.T, rp *relyingParty, key *webauthntest.Authenticator, _ json.RawMessage,
		) []byte {
			earlier, _, err := rp.beginAssertion(nil, nil, false, passkeyTime.Add(-time.Minute))
			if err != nil {
				t.Fatal(err)
			}
			return use(t, key, earlier)
		}}},
		{"user not verified at a sign-in", refusedVerification, asserting{
			anybody: true, verify: true, tamper: webauthntest.Tamper{Data: func(d *webauthntest.Data) { d.Flags &^= webauthntest.UserVerified }},
		}},
		{"a registration's answer", refusedType, asserting{answers: func(
			t *testing.T, rp *relyingParty, key *webauthntest.Authenticator, _ json.RawMessage,
		) []byte {
			options, _, err := rp.beginRegistration(passkeyHolder{Handle: handleOne}, nil, passkeyTime)
			if err != nil {
				t.Fatal(err)
			}
			body, err := key.Create(options)
			if err != nil {
				t.Fatal(err)
			}
			return body
		}}},

		{
			"another credential of the account", refusedNotAllowed,
			asserting{session: func(c *ceremony) { c.Allowed = []protocol.URLEncodedBase64{bytes.Repeat([]byte{5}, 32)} }},
		},
		{"credential of another account", refusedNotAllowed, asserting{
			// The other's own passkey answers, in a sign-in of the one.
			session: func(c *ceremony) { c.Allowed = []protocol.URLEncodedBase64{bytes.Repeat([]byte{5}, 32)} },
			stored:  func(s *storedCredential) { s.Owner = handleOther },
			tamper:  handle(func(r map[string]any) { r["userHandle"] = base64.RawURLEncoding.EncodeToString(handleOther) }),
		}},
		{
			"credential that went to another account", refusedAccount,
			asserting{key: plain, stored: func(s *storedCredential) { s.Owner = handleOther }},
		},
		{"session of another account", refusedAccount, asserting{session: func(c *ceremony) { c.Account = handleOther }}},
		{
			"no handle at a sign-in", refusedNoHandle,
			asserting{anybody: true, tamper: handle(func(r map[string]any) { delete(r, "userHandle") })},
		},
		{
			"handle null at a sign-in", refusedNoHandle,
			asserting{anybody: true, tamper: handle(func(r map[string]any) { r["userHandle"] = nil })},
		},
		{
			"empty handle at a sign-in", refusedNoHandle,
			asserting{anybody: true, tamper: handle(func(r map[string]any) { r["userHandle"] = "" })},
		},
		{"another's handle at a sign-in", refusedHandle, asserting{anybody: true, tamper: handle(func(r map[string]any) {
			r["userHandle"] = base64.RawURLEncoding.EncodeToString(handleOther)
		})}},
		{
			"another's credential at a sign-in", refusedHandle,
			asserting{anybody: true, stored: func(s *storedCredential) { s.Owner = handleOther }},
		},
		{
			"credential of nobody at a sign-in", refusedHandle,
			asserting{anybody: true, stored: func(s *storedCredential) { s.Owner = nil }},
		},
		{"another's handle", refusedHandle, asserting{tamper: handle(func(r map[string]any) {
			r["userHandle"] = base64.RawURLEncoding.EncodeToString(handleOther)
		})}},
		{"part of the handle", refusedHandle, asserting{anybody: true, tamper: handle(func(r map[string]any) {
			r["userHandle"] = base64.RawURLEncoding.EncodeToString(handleOne[:16])
		})}},
		{"unknown credential", refusedUnknown, asserting{anybody: true, lookup: store.ErrNotFound}},
		{
			"another credential found", refusedUnknown,
			asserting{stored: func(s *storedCredential) { s.Credential.ID = bytes.Repeat([]byte{5}, 32) }},
		},
		{"new credential in the data", refusedData, asserting{tamper: webauthntest.Tamper{Data: func(d *webauthntest.Data) {
			d.Flags |= webauthntest.Attested
			d.ID, d.Key = bytes.Repeat([]byte{5}, 32), webauthntest.Encode(map[int]any{1: 2})
		}}}},

		{
			"eligible for backup all of a sudden", refusedBackupEligible,
			asserting{before: func(a *webauthntest.Authenticator) { a.BackupEligible = true }},
		},
		{
			"backed up all of a sudden", refusedBackupEligible,
			asserting{before: func(a *webauthntest.Authenticator) { a.BackupEligible, a.BackedUp = true, true }},
		},
		{"no longer eligible for backup", refusedBackupEligible, asserting{
			key:    func(a *webauthntest.Authenticator) { a.BackupEligible = true },
			before: func(a *webauthntest.Authenticator) { a.BackupEligible = false },
		}},

		{"signature flipped", refusedProof, asserting{tamper: signature(func(b []byte) []byte { flip(b); return b })}},
		{"no signature", refusedProof, asserting{tamper: signature(func([]byte) []byte { return nil })}},
		{"signature cut short", refusedProof, asserting{tamper: signature(func(b []byte) []byte { return b[:len(b)-1] })}},
		{"signature with a byte more", refusedProof, asserting{tamper: signature(func(b []byte) []byte { return append(b, 0) })}},
		{
			"signature of nothing", refusedProof,
			asserting{tamper: signature(func([]byte) []byte { return []byte{0x30, 6, 2, 1, 0, 2, 1, 0} })},
		},
		{"signature by another key", refusedProof, asserting{before: func(a *webauthntest.Authenticator) {
			key, err := webauthntest.NewKey(webauthntest.ES256)
			if err != nil {
				panic(err)
			}
			a.Passkeys[0].Key = key
		}}},
		{"signature by a key of another kind", refusedProof, asserting{before: func(a *webauthntest.Authenticator) {
			key, err := webauthntest.NewKey(webauthntest.EdDSA)
			if err != nil {
				panic(err)
			}
			a.Passkeys[0].Key, a.Passkeys[0].Algorithm = key, webauthntest.EdDSA
		}}},
		{
			"signature of another hash", refusedProof,
			asserting{before: func(a *webauthntest.Authenticator) { a.Passkeys[0].Algorithm = webauthntest.ES384 }},
		},
		{"data changed after signing", refusedProof, asserting{tamper: handle(func(r map[string]any) {
			edit(r, "authenticatorData", func(b []byte) []byte { b[36]++; return b })
		})}},
		{"verification added after signing", refusedProof, asserting{
			verify: true,
			tamper: webauthntest.Tamper{
				Data: func(d *webauthntest.Data) { d.Flags &^= webauthntest.UserVerified },
				Answer: func(a map[string]any) {
					edit(responseOf(a), "authenticatorData", func(b []byte) []byte { b[32] |= webauthntest.UserVerified; return b })
				},
			},
		}},
		{"client data changed after signing", refusedProof, asserting{tamper: handle(func(r map[string]any) {
			edit(r, "clientDataJSON", replace(`"crossOrigin":false`, `"crossOrigin": false`))
		})}},
		{"origin repaired after signing", refusedProof, asserting{
			before: func(a *webauthntest.Authenticator) { a.Origin = "https://evil.example" },
			tamper: handle(func(r map[string]any) {
				edit(r, "clientDataJSON", replace("https://evil.example", passkeyOrigin))
			}),
		}},
		{"stored key of another algorithm", refusedProof, asserting{stored: func(s *storedCredential) {
			s.Credential.PublicKey = webauthntest.EncodeKey(webauthntest.RS256, rsaKeys()[2048].Public())
		}}},
		{"stored key unreadable", refusedProof, asserting{stored: func(s *storedCredential) { s.Credential.PublicKey = []byte{0xa0} }}},

		{"counter stands still", refusedCounter, asserting{key: counting, tamper: count(1)}},
		{"counter back", refusedCounter, asserting{key: counting, stored: func(s *storedCredential) { s.Credential.SignCount = 100 }}},
		{"counter gone", refusedCounter, asserting{key: counting, tamper: count(0)}},
		{
			"counter at its end", refusedCounter,
			asserting{stored: func(s *storedCredential) { s.Credential.SignCount = 1<<32 - 1 }, tamper: count(1)},
		},

		{"no authenticator data", refusedForm, asserting{tamper: handle(func(r map[string]any) { delete(r, "authenticatorData") })}},
		{"signature number", refusedForm, asserting{tamper: handle(func(r map[string]any) { r["signature"] = 1 })}},
		{"handle list", refusedForm, asserting{tamper: handle(func(r map[string]any) { r["userHandle"] = []string{"x"} })}},
	}
	for _, name := range []string{"authenticatorData", "signature", "userHandle"} {
		for _, c := range misspelled(name, responseOf) {
			all = append(all, assertionCase{c.name, c.want, asserting{tamper: c.tamper}})
		}
	}
	return all
}

// edit changes the bytes of a member.
func edit(members map[string]any, name string, change func([]byte) []byte) {
	decoded, err := base64.RawURLEncoding.DecodeString(members[name].(string))
	if err != nil {
		panic(err)
	}
	members[name] = base64.RawURLEncoding.EncodeToString(change(decoded))
}
