package mfa

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"
	"github.com/google/go-cmp/cmp"

	"github.com/futakagi/futakagi/mfa/webauthntest"
	"github.com/futakagi/futakagi/store"
)

// TestI8_EveryViolationIsRefused runs the corpus: each case is refused, and for its own reason.
func TestI8_EveryViolationIsRefused(t *testing.T) {
	rp := newTestParty(t)
	for _, c := range corpus() {
		t.Run(c.name, func(t *testing.T) {
			if err := c.run(t, rp); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

// leftOut is a relying party that lacks one check.
type leftOut struct {
	refusal passkeyRefusal
	rp      *relyingParty
}

// leaveOutEach returns a relying party for every check there is, without that one.
func leaveOutEach(rp *relyingParty) []leftOut {
	var all []leftOut
	each := func(n int, refusal func(int) passkeyRefusal, leave func(*ceremonyChecks, int)) {
		for i := range n {
			changed := *rp
			leave(&changed.checks, i)
			all = append(all, leftOut{refusal(i), &changed})
		}
	}
	each(len(rp.checks.answer), func(i int) passkeyRefusal { return rp.checks.answer[i].refusal },
		func(c *ceremonyChecks, i int) { c.answer = without(c.answer, i) })
	each(len(rp.checks.registration), func(i int) passkeyRefusal { return rp.checks.registration[i].refusal },
		func(c *ceremonyChecks, i int) { c.registration = without(c.registration, i) })
	each(len(rp.checks.choice), func(i int) passkeyRefusal { return rp.checks.choice[i].refusal },
		func(c *ceremonyChecks, i int) { c.choice = without(c.choice, i) })
	each(len(rp.checks.proof), func(i int) passkeyRefusal { return rp.checks.proof[i].refusal },
		func(c *ceremonyChecks, i int) { c.proof = without(c.proof, i) })
	return all
}

func without[T any](checks []ceremonyCheck[T], i int) []ceremonyCheck[T] {
	return slices.Delete(slices.Clone(checks), i, i+1)
}

// instead puts another function in the place of a check.
func instead[T any](checks []ceremonyCheck[T], refusal passkeyRefusal, check func(T) bool) []ceremonyCheck[T] {
	checks = slices.Clone(checks)
	for i := range checks {
		if checks[i].refusal == refusal {
			checks[i].holds = check
		}
	}
	return checks
}

// signaturesOnly returns the relying party with the library verifying signatures and statements alone, so that nothing stands behind
// our own checks.
func signaturesOnly(rp *relyingParty) *relyingParty {
	bare := *rp
	bare.checks.registration = instead(rp.checks.registration, refusedProof, func(r registration) bool {
		hash := sha256.Sum256(r.parsed.Raw.AttestationResponse.ClientDataJSON)
		return bytes.Equal(r.parsed.RawID, r.data.AttData.CredentialID) &&
			r.parsed.Response.AttestationObject.VerifyAttestation(hash[:], nil, protocol.AttestationPolicy{}, protocol.SignaturePolicy{}) == nil
	})
	bare.checks.proof = instead(rp.checks.proof, refusedProof, func(p proof) bool {
		key, err := webauthncose.ParsePublicKey(p.stored.Credential.PublicKey)
		if err != nil {
			return false
		}
		hash := sha256.Sum256(p.parsed.Raw.AssertionResponse.ClientDataJSON)
		signed := slices.Concat(p.parsed.Raw.AssertionResponse.AuthenticatorData, hash[:])
		valid, err := webauthncose.VerifySignature(key, signed, p.parsed.Response.Signature)
		return err == nil && valid
	})
	return &bare
}

// TestI8_EachCheckStandsAlone leaves out one check at a time, with nothing of the library's behind it but signatures. Something is
// then accepted that must not be, in every ceremony that the check is of, and all other cases are refused as before. So no check can
// go from the code without a test that fails.
func TestI8_EachCheckStandsAlone(t *testing.T) {
	ceremonies := map[passkeyRefusal][]string{
		refusedAccount: {"registration"}, refusedID: {"registration"}, refusedAlgorithm: {"registration"}, refusedKey: {"registration"},
		refusedAttestation: {"registration"}, refusedProof: {"registration"},
		refusedNotAllowed: {"assertion"}, refusedNoHandle: {"assertion"}, refusedData: {"assertion"}, refusedUnknown: {"assertion"},
		refusedHandle: {"assertion"}, refusedBackupEligible: {"assertion"}, refusedCounter: {"assertion"},
	}
	bare := signaturesOnly(newTestParty(t))
	// Answers that cannot be read come to no check.
	all := slices.DeleteFunc(corpus(), func(c i8Case) bool { return c.want == refusedForm })
	seen := map[passkeyRefusal]int{}
	for _, out := range leaveOutEach(bare) {
		if seen[out.refusal]++; seen[out.refusal] > 1 {
			ceremonies[out.refusal] = []string{"assertion"} // the second of that name is the assertion's
		}
		if ceremonies[out.refusal] == nil {
			ceremonies[out.refusal] = []string{"registration", "assertion", "sign-in"}
		}
		t.Run(fmt.Sprintf("%s/%d", string(out.refusal), seen[out.refusal]), func(t *testing.T) {
			accepted := map[string]int{}
			for _, c := range all {
				err := c.run(t, out.rp)
				if err == nil && c.want == out.refusal {
					ceremony, _, _ := strings.Cut(c.name, "/")
					accepted[ceremony]++
					continue
				}
				if _, refused := errors.AsType[passkeyRefusal](err); !refused || c.want != out.refusal && !errors.Is(err, c.want) {
					t.Errorf("%s: got %v, want %v", c.name, err, c.want)
				}
			}
			got := slices.Sorted(maps.Keys(accepted))
			if want := slices.Sorted(slices.Values(ceremonies[out.refusal])); !slices.Equal(got, want) {
				t.Errorf("something is accepted without the check in %v, want in %v", got, want)
			}
		})
	}
}

// TestI8_LibraryStandsBehind leaves out one check at a time with all of the library behind it, and shows of which checks it makes up
// for the loss. All the others are ours alone.
func TestI8_LibraryStandsBehind(t *testing.T) {
	behind := []passkeyRefusal{refusedType, refusedChallenge, refusedRelyingParty, refusedPresence, refusedVerification, refusedAlgorithm}
	all := corpus()
	for _, out := range leaveOutEach(newTestParty(t)) {
		accepted := 0
		for _, c := range all {
			if c.want == out.refusal && c.run(t, out.rp) == nil {
				accepted++
			}
		}
		if want := slices.Contains(behind, out.refusal); accepted == 0 != want {
			t.Errorf("without %q %d cases are accepted, library makes up for it: want %v", out.refusal, accepted, want)
		}
	}
}

// TestI8_GenuineAnswersAreAccepted is the control of the corpus: what it departs from is accepted, whatever the authenticator is.
func TestI8_GenuineAnswersAreAccepted(t *testing.T) {
	rp := newTestParty(t)
	for _, alg := range []webauthntest.Algorithm{webauthntest.ES256, webauthntest.EdDSA, webauthntest.RS256} {
		for flags := range 1 << 5 {
			if alg == webauthntest.RS256 && flags%5 != 0 {
				continue // its keys take long to draw
			}
			verifies, discovers, counts, attests := flags&1 != 0, flags&2 != 0, flags&4 != 0, flags&8 != 0
			for _, backup := range [][2]bool{{false, false}, {true, false}, {true, true}} {
				if flags&16 != 0 && backup[0] {
					continue
				}
				name := fmt.Sprintf("%d/verifies=%v/discovers=%v/counts=%v/attests=%v/backup=%v/%d",
					alg, verifies, discovers, counts, attests, backup, flags>>4)
				t.Run(name, func(t *testing.T) {
					key := newTestKey(func(a *webauthntest.Authenticator) {
						a.Algorithms = []webauthntest.Algorithm{alg}
						a.Verifies, a.Discovers, a.Counts, a.SelfAttests = verifies, discovers, counts, attests
						a.BackupEligible, a.BackedUp = backup[0], backup[1]
						if flags&16 != 0 {
							a.Origin, a.Transports, a.Attachment = passkeyPort, []string{"usb", "nfc"}, "cross-platform"
						}
					})
					c := register(t, key, handleOne)
					want := credential{
						Version: 1, ID: key.Passkeys[0].ID, PublicKey: webauthntest.EncodeKey(alg, key.Passkeys[0].Key.Public()), Algorithm: int64(alg),
						Attachment: protocol.AuthenticatorAttachment(key.Attachment), Discoverable: &discovers,
						BackupEligible: backup[0], BackedUp: backup[1], VerifiedAtSetUp: verifies, AttestationFormat: "none",
					}
					for _, transport := range key.Transports {
						want.Transports = append(want.Transports, protocol.AuthenticatorTransport(transport))
					}
					if counts {
						want.SignCount = 1
					}
					if attests {
						want.AttestationFormat = "packed"
					}
					if diff := cmp.Diff(want, c); diff != "" {
						t.Errorf("registered (-want +got):\n%s", diff)
					}
					for _, anybody := range []bool{false, true} {
						if anybody && !discovers {
							continue
						}
						c = accepted(t, rp, key, c, anybody, verifies)
					}
				})
			}
		}
	}
}

// accepted uses a passkey, and returns it as it is after that.
func accepted(t *testing.T, rp *relyingParty, key *webauthntest.Authenticator, c credential, anybody, verified bool) credential {
	t.Helper()
	var handle []byte
	var allowed []credential
	if !anybody {
		handle, allowed = handleOne, []credential{c}
	}
	options, session, err := rp.beginAssertion(handle, allowed, verified, passkeyTime)
	if err != nil {
		t.Fatal(err)
	}
	got, err := rp.finishAssertion(session, use(t, key, options), func(id, handle []byte) (storedCredential, error) {
		if !bytes.Equal(id, c.ID) || key.Passkeys[0].Discoverable != bytes.Equal(handle, handleOne) {
			t.Errorf("looked up %x of %q", id, handle)
		}
		return storedCredential{Owner: handleOne, Credential: c}, nil
	}, passkeyTime.Add(5*time.Minute-1))
	if err != nil {
		t.Fatal(err)
	}
	want := assertion{Credential: c, UserVerified: verified}
	want.Credential.SignCount = key.Passkeys[0].Count
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("used (-want +got):\n%s", diff)
	}
	return got.Credential
}

// TestI8_BoundariesAreAccepted are answers that look like cases of the corpus and are right.
func TestI8_BoundariesAreAccepted(t *testing.T) {
	rp := newTestParty(t)
	id := func(n int) registering {
		id := bytes.Repeat([]byte{7}, n)
		return registering{tamper: onData(func(d *webauthntest.Data) { d.ID = id })}.withID(id)
	}
	extended := webauthntest.Tamper{Data: func(d *webauthntest.Data) {
		d.Flags |= webauthntest.Extended
		d.Extensions = webauthntest.Encode(map[string]any{"credProtect": 2, "more": true})
	}}
	reserved := webauthntest.Tamper{Data: func(d *webauthntest.Data) { d.Flags |= 1<<1 | 1<<5 }}
	newMember := webauthntest.Tamper{ClientJSON: replace(`{`, `{"other_keys_can_be_added_here":"do not compare","more":{"a":[1]},`)}
	noCross := webauthntest.Tamper{ClientJSON: replace(`,"crossOrigin":false`, ``)}
	unasked := webauthntest.Tamper{Answer: func(a map[string]any) {
		a["clientExtensionResults"] = map[string]any{"appid": true, "prf": map[string]any{"enabled": true}}
	}}
	deep := webauthntest.Tamper{Answer: func(a map[string]any) { a["more"] = nested(maxAnswerDepth - 1) }}
	broad := webauthntest.Tamper{Answer: func(a map[string]any) { a["more"] = wide(maxAnswerMembers) }}
	nobody := onAnswer(func(a map[string]any) { delete(responseOf(a), "userHandle") })
	full := text(func(b []byte) []byte { return append(b, bytes.Repeat([]byte(" "), maxAnswer-len(b))...) })
	escaped := text(replace(`"type":"public-key"`, `"type":"\u0070ublic-key"`))
	for name, run := range map[string]func(*testing.T, *relyingParty) error{
		"shortest id":                      id(16).run,
		"longest id":                       id(1023).run,
		"extensions at set-up":             registering{tamper: extended}.run,
		"extensions in use":                asserting{tamper: extended}.run,
		"reserved flags at set-up":         registering{tamper: reserved}.run,
		"reserved flags in use":            asserting{tamper: reserved}.run,
		"new members at set-up":            registering{tamper: newMember}.run,
		"new members in use":               asserting{tamper: newMember}.run,
		"no crossOrigin at set-up":         registering{tamper: noCross}.run,
		"no crossOrigin in use":            asserting{tamper: noCross}.run,
		"unasked extensions at set-up":     registering{tamper: unasked}.run,
		"unasked extensions in use":        asserting{tamper: unasked}.run,
		"deepest":                          asserting{tamper: deep}.run,
		"widest":                           asserting{tamper: broad}.run,
		"largest":                          asserting{tamper: full}.run,
		"escapes in JSON":                  asserting{tamper: escaped}.run,
		"unverified where only preferred":  asserting{before: func(a *webauthntest.Authenticator) { a.Verifies = false }}.run,
		"at the session's last instant":    asserting{after: 5*time.Minute - 1}.run,
		"first count of one that did not":  asserting{before: func(a *webauthntest.Authenticator) { a.Passkeys[0].Count = 5 }}.run,
		"backed up since":                  asserting{key: eligible, before: func(a *webauthntest.Authenticator) { a.BackedUp = true }}.run,
		"no handle where the account asks": asserting{tamper: nobody}.run,
		"RSA key of 4096 bits": labelled(webauthntest.RS256, webauthntest.RS256, func(p map[int]any) {
			p[-1] = bytes.Repeat([]byte{0xff}, 512)
		}).run,
	} {
		t.Run(name, func(t *testing.T) {
			if err := run(t, rp); err != nil {
				t.Error(err)
			}
		})
	}
}

func eligible(a *webauthntest.Authenticator) { a.BackupEligible = true }

// TestI8_VerificationIsOfThisUseAlone: that a user was once verified says nothing about the next use, nor the other way round.
func TestI8_VerificationIsOfThisUseAlone(t *testing.T) {
	rp := newTestParty(t)
	key := newTestKey()
	c := register(t, key, handleOne)
	for _, verifies := range []bool{true, false, true, false} {
		key.Verifies = verifies
		options, session, err := rp.beginAssertion(handleOne, []credential{c}, false, passkeyTime)
		if err != nil {
			t.Fatal(err)
		}
		got, err := rp.finishAssertion(session, use(t, key, options), func(_, _ []byte) (storedCredential, error) {
			return storedCredential{Owner: handleOne, Credential: c}, nil
		}, passkeyTime)
		if err != nil {
			t.Fatal(err)
		}
		if got.UserVerified != verifies || !got.Credential.VerifiedAtSetUp {
			t.Errorf("verified %v, want %v; at set-up %v", got.UserVerified, verifies, got.Credential.VerifiedAtSetUp)
		}
		c = got.Credential
	}
}

// TestW3_OnlyWhatWasAskedForAnswers: of two accounts and three passkeys, those answer that were asked for, whatever the browser does.
func TestW3_OnlyWhatWasAskedForAnswers(t *testing.T) {
	rp := newTestParty(t)
	key := newTestKey()
	known := map[string]storedCredential{}
	register := func(owner []byte) credential {
		c := register(t, key, owner)
		known[string(c.ID)] = storedCredential{Owner: owner, Credential: c}
		return c
	}
	first, second, others := register(handleOne), register(handleOne), register(handleOther)
	for _, tt := range []struct {
		name    string
		handle  []byte
		allowed []credential
		answers credential
		want    error
	}{
		{"the one that was asked for", handleOne, []credential{first}, first, nil},
		{"one of two", handleOne, []credential{first, second}, first, nil},
		{"the other of two", handleOne, []credential{first, second}, second, nil},
		{"another of the account", handleOne, []credential{first}, second, refusedNotAllowed},
		{"another account's", handleOne, []credential{first, second}, others, refusedNotAllowed},
		{"another account's that was asked for by mistake", handleOne, []credential{first, others}, others, refusedAccount},
		{"anybody's", nil, nil, others, nil},
	} {
		options, session, err := rp.beginAssertion(tt.handle, tt.allowed, false, passkeyTime)
		if err != nil {
			t.Fatal(err)
		}
		// The browser asks for what it likes.
		var tree map[string]any
		if err := json.Unmarshal(options, &tree); err != nil {
			t.Fatal(err)
		}
		tree["allowCredentials"] = []map[string]any{{"type": "public-key", "id": tt.answers.ID.String()}}
		if options, err = json.Marshal(tree); err != nil {
			t.Fatal(err)
		}
		got, err := rp.finishAssertion(session, use(t, key, options), func(id, _ []byte) (storedCredential, error) {
			return known[string(id)], nil
		}, passkeyTime)
		if !errors.Is(err, tt.want) || err == nil && !bytes.Equal(got.Credential.ID, tt.answers.ID) {
			t.Errorf("%s: %x, %v; want %v", tt.name, got.Credential.ID, err, tt.want)
		}
	}
}

// TestW4_BackupStateFollowsTheAuthenticator: whether a passkey has left its device is what its last use says.
func TestW4_BackupStateFollowsTheAuthenticator(t *testing.T) {
	rp := newTestParty(t)
	key := newTestKey(eligible)
	c := register(t, key, handleOne)
	for _, backedUp := range []bool{true, false} {
		key.BackedUp = backedUp
		options, session, err := rp.beginAssertion(nil, nil, false, passkeyTime)
		if err != nil {
			t.Fatal(err)
		}
		got, err := rp.finishAssertion(session, use(t, key, options), func(_, _ []byte) (storedCredential, error) {
			return storedCredential{Owner: handleOne, Credential: c}, nil
		}, passkeyTime)
		if err != nil {
			t.Fatal(err)
		}
		if c = got.Credential; c.BackedUp != backedUp || !c.BackupEligible {
			t.Errorf("backed up %v, want %v; eligible %v", c.BackedUp, backedUp, c.BackupEligible)
		}
	}
}

// TestI8_ClonesAreToldApart: of two copies of a key that counts, the one that falls behind is refused by name, and the record that
// would be stored is not touched.
func TestI8_ClonesAreToldApart(t *testing.T) {
	rp := newTestParty(t)
	key := newTestKey(func(a *webauthntest.Authenticator) { a.Counts = true })
	c := register(t, key, handleOne)
	clone := *key.Passkeys[0]
	c = accepted(t, rp, key, c, true, true)
	c = accepted(t, rp, key, c, true, true)
	key.Passkeys[0] = &clone
	options, session, err := rp.beginAssertion(handleOne, []credential{c}, true, passkeyTime)
	if err != nil {
		t.Fatal(err)
	}
	got, err := rp.finishAssertion(session, use(t, key, options), func(_, _ []byte) (storedCredential, error) {
		return storedCredential{Owner: handleOne, Credential: c}, nil
	}, passkeyTime)
	if !errors.Is(err, refusedCounter) || !cmp.Equal(got, assertion{}) {
		t.Errorf("clone: %+v, %v", got, err)
	}
}

// TestI8_LookupIsNotReachedByForgeries: an answer that is wrong in itself costs no query.
func TestI8_LookupIsNotReachedByForgeries(t *testing.T) {
	rp := newTestParty(t)
	key := newTestKey()
	c := register(t, key, handleOne)
	later := []passkeyRefusal{refusedUnknown, refusedAccount, refusedHandle, refusedBackupEligible, refusedProof, refusedCounter}
	for _, forged := range tamperedAnswers() {
		if slices.Contains(later, forged.want) {
			t.Fatalf("%s: expected to be wrong in itself", forged.name)
		}
		options, session, err := rp.beginAssertion(handleOne, []credential{c}, false, passkeyTime)
		if err != nil {
			t.Fatal(err)
		}
		lookup := func(_, _ []byte) (storedCredential, error) {
			t.Errorf("%s: looked up", forged.name)
			return storedCredential{}, store.ErrNotFound
		}
		session, body := editSession(t, session, forged.session), use(t, key, options, forged.tamper)
		_, err = rp.finishAssertion(session, body, lookup, passkeyTime.Add(forged.after))
		if err == nil {
			t.Errorf("%s: accepted", forged.name)
		}
	}
}

// TestI8_OurFailuresAreNotRefusals: what is not the browser's fault must not be written down as if it were.
func TestI8_OurFailuresAreNotRefusals(t *testing.T) {
	rp := newTestParty(t)
	down := errors.New("database is down")
	err := asserting{lookup: down}.run(t, rp)
	if _, refused := errors.AsType[passkeyRefusal](err); refused || !errors.Is(err, down) {
		t.Errorf("lookup: %v", err)
	}
	for _, session := range []string{
		"", "null", "{}", "[]", `{"v":1}`, `{"v":2,"challenge":"` + strings.Repeat("A", 43) + `"}`, `{"v":1,"challenge":"AAAA"}`,
	} {
		_, err := rp.finishRegistration([]byte(session), []byte("{}"), handleOne, passkeyTime)
		if _, refused := errors.AsType[passkeyRefusal](err); refused || err == nil {
			t.Errorf("registration, session %s: %v", session, err)
		}
		_, err = rp.finishAssertion([]byte(session), []byte("{}"), nil, passkeyTime)
		if _, refused := errors.AsType[passkeyRefusal](err); refused || err == nil {
			t.Errorf("assertion, session %s: %v", session, err)
		}
	}
}

// optionsTree reads options and takes out the challenge, which is new each time.
func optionsTree(t *testing.T, options, session []byte) map[string]any {
	t.Helper()
	var tree map[string]any
	if err := json.Unmarshal(options, &tree); err != nil {
		t.Fatal(err)
	}
	c, err := readCeremony(session)
	if err != nil {
		t.Fatal(err)
	}
	challenge, _ := tree["challenge"].(string)
	if len(challenge) != 43 || challenge != c.Challenge.String() {
		t.Errorf("challenge %q, session has %q", challenge, c.Challenge)
	}
	delete(tree, "challenge")
	return tree
}

func TestW5_RegistrationOptions(t *testing.T) {
	rp := newTestParty(t)
	held := credential{ID: bytes.Repeat([]byte{1}, 16), Transports: []protocol.AuthenticatorTransport{"usb", "nfc"}}
	holder := passkeyHolder{Handle: handleOne, Name: "tanaka", DisplayName: "田中 一"}
	options, session, err := rp.beginRegistration(holder, []credential{held}, passkeyTime)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"rp":   map[string]any{"id": passkeyDomain, "name": "ふたかぎ"},
		"user": map[string]any{"id": base64.RawURLEncoding.EncodeToString(handleOne), "name": "tanaka", "displayName": "田中 一"},
		"pubKeyCredParams": []any{
			map[string]any{"type": "public-key", "alg": -7.0},
			map[string]any{"type": "public-key", "alg": -8.0},
			map[string]any{"type": "public-key", "alg": -257.0},
		},
		"timeout":                300_000.0,
		"excludeCredentials":     []any{map[string]any{"type": "public-key", "id": "AQEBAQEBAQEBAQEBAQEBAQ", "transports": []any{"usb", "nfc"}}},
		"authenticatorSelection": map[string]any{"residentKey": "preferred", "requireResidentKey": false, "userVerification": "preferred"},
		"attestation":            "none",
		"extensions":             map[string]any{"credProps": true},
	}
	if diff := cmp.Diff(want, optionsTree(t, options, session)); diff != "" {
		t.Errorf("options (-want +got):\n%s", diff)
	}
	for _, handle := range [][]byte{nil, make([]byte, 15), make([]byte, 65)} {
		if _, _, err := rp.beginRegistration(passkeyHolder{Handle: handle, Name: "tanaka"}, nil, passkeyTime); err == nil {
			t.Errorf("a handle of %d bytes is taken", len(handle))
		}
	}
}

func TestW5_OneAuthenticatorHoldsOnePasskey(t *testing.T) {
	key := newTestKey()
	c := register(t, key, handleOne)
	options, _, err := newTestParty(t).beginRegistration(passkeyHolder{Handle: handleOne, Name: "tanaka"}, []credential{c}, passkeyTime)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := key.Create(options); !errors.Is(err, webauthntest.ErrExcluded) {
		t.Errorf("second passkey: %v", err)
	}
}

// TestW6_SignInOptionsTellNothing: options that anybody may ask for are the same for everybody.
func TestW6_SignInOptionsTellNothing(t *testing.T) {
	rp := newTestParty(t)
	options, session, err := rp.beginAssertion(nil, nil, true, passkeyTime)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"rpId": passkeyDomain, "timeout": 300_000.0, "userVerification": "required"}
	if diff := cmp.Diff(want, optionsTree(t, options, session)); diff != "" {
		t.Errorf("options (-want +got):\n%s", diff)
	}

	held := credential{ID: bytes.Repeat([]byte{1}, 16), Transports: []protocol.AuthenticatorTransport{"internal"}}
	options, session, err = rp.beginAssertion(handleOne, []credential{held}, false, passkeyTime)
	if err != nil {
		t.Fatal(err)
	}
	want["userVerification"] = "preferred"
	want["allowCredentials"] = []any{map[string]any{"type": "public-key", "id": "AQEBAQEBAQEBAQEBAQEBAQ", "transports": []any{"internal"}}}
	if diff := cmp.Diff(want, optionsTree(t, options, session)); diff != "" {
		t.Errorf("options (-want +got):\n%s", diff)
	}

	for _, wrong := range []struct {
		handle  []byte
		allowed []credential
	}{{handleOne, nil}, {nil, []credential{held}}} {
		if _, _, err := rp.beginAssertion(wrong.handle, wrong.allowed, false, passkeyTime); err == nil {
			t.Errorf("%+v is taken", wrong)
		}
	}
}

func TestW5_RelyingPartyComesFromConfiguration(t *testing.T) {
	for _, tt := range []struct {
		id, name string
		origins  []string
		ok       bool
	}{
		{"id.example.jp", "n", []string{"https://id.example.jp"}, true},
		{"id.example.jp", "n", []string{"https://id.example.jp", "https://a.b.id.example.jp:8443"}, true},
		{"localhost", "n", []string{"http://localhost:8080", "https://localhost"}, true},
		{"store.localhost", "n", []string{"http://store.localhost:8080"}, true},

		{"", "n", []string{"https://id.example.jp"}, false},
		{"id.example.jp", "", []string{"https://id.example.jp"}, false},
		{"id.example.jp", "n", nil, false},
		{"ID.example.jp", "n", []string{"https://id.example.jp"}, false},
		{"https://id.example.jp", "n", []string{"https://id.example.jp"}, false},
		{"id.example.jp:443", "n", []string{"https://id.example.jp"}, false},
		{"127.0.0.1", "n", []string{"http://127.0.0.1"}, false},
		{"jp", "n", []string{"https://example.jp"}, false},
		{"id.example.jp", "n", []string{"http://id.example.jp"}, false},
		{"id.example.jp", "n", []string{"https://example.jp"}, false},
		{"id.example.jp", "n", []string{"https://evilid.example.jp"}, false},
		{"id.example.jp", "n", []string{"https://id.example.jp.evil.example"}, false},
		{"id.example.jp", "n", []string{"https://id.example.jp", "https://evil.example"}, false},
		{"id.example.jp", "n", []string{"https://id.example.jp/"}, false},
		{"id.example.jp", "n", []string{"https://id.example.jp:443"}, false},
		{"id.example.jp", "n", []string{"https://id.example.jp:"}, false},
		{"localhost", "n", []string{"http://localhost:80"}, false},
		{"id.example.jp", "n", []string{"https://ID.example.jp"}, false},
		{"id.example.jp", "n", []string{"https://A.id.example.jp"}, false},
		{"id.example.jp", "n", []string{"HTTPS://id.example.jp"}, false},
		{"id.example.jp", "n", []string{"https://u@id.example.jp"}, false},
		{"id.example.jp", "n", []string{"https://id.example.jp?x"}, false},
		{"id.example.jp", "n", []string{"https://id.example.jp#x"}, false},
		{"id.example.jp", "n", []string{"https://*.id.example.jp"}, true}, // a name like any other: no browser shows it
		{"id.example.jp", "n", []string{"https://ä.id.example.jp"}, false},
		{"id.example.jp", "n", []string{"id.example.jp"}, false},
		{"id.example.jp", "n", []string{""}, false},
		{"id.example.jp", "n", []string{"null"}, false},
		{"id.example.jp", "n", []string{"ftp://id.example.jp"}, false},
		{"localhost", "n", []string{"ws://localhost"}, false},
		{"id.example.jp", "n", []string{"android:apk-key-hash:Zm9v"}, false},
		{"id.example.jp", "n", []string{"https://id.example.jp\x7f"}, false},
	} {
		if _, err := newRelyingParty(tt.id, tt.name, tt.origins); (err == nil) != tt.ok {
			t.Errorf("newRelyingParty(%q, %q, %q): %v", tt.id, tt.name, tt.origins, err)
		}
	}
}

// TestW4_RecordKeepsEverything: what was learnt at set-up is there after it was stored, and small.
func TestW4_RecordKeepsEverything(t *testing.T) {
	key := newTestKey(func(a *webauthntest.Authenticator) {
		a.Algorithms, a.AAGUID = []webauthntest.Algorithm{webauthntest.RS256}, [16]byte{1, 2, 3}
		a.BackupEligible, a.Counts, a.SelfAttests = true, true, true
		a.Transports = []string{"internal", "hybrid", "cable", "", "usb\n", strings.Repeat("x", 33), "a", "b", "c", "d", "e", "f", "g"}
	})
	c := register(t, key, handleOne)
	if diff := cmp.Diff([]protocol.AuthenticatorTransport{"internal", "hybrid", "a", "b", "c", "d", "e", "f"}, c.Transports); diff != "" {
		t.Errorf("transports (-want +got):\n%s", diff)
	}
	if c.AAGUID.String() != "01020300-0000-0000-0000-000000000000" {
		t.Errorf("model %s", c.AAGUID)
	}
	c.ID = bytes.Repeat([]byte{7}, 1023)
	record, err := c.record()
	if err != nil {
		t.Fatal(err)
	}
	if len(record) > 3<<10 {
		t.Errorf("record has %d bytes", len(record))
	}
	got, err := readCredential(record)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(c, got); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
	for _, broken := range []string{
		"", "null", "{}", "[]", `{"v":2,"id":"AQ","public_key":"AQ"}`, `{"v":1,"id":"AQ"}`, `{"v":1,"public_key":"AQ"}`, string(record[:40]),
	} {
		if _, err := readCredential([]byte(broken)); err == nil {
			t.Errorf("record %.60s is taken", broken)
		}
	}
}

// FuzzWebAuthnFinish gives arbitrary answers to both ceremonies, and answers made of arbitrary parts, which get further. Neither
// panics, and what is accepted is what the authenticator signed.
func FuzzWebAuthnFinish(f *testing.F) {
	rp := newTestParty(f)
	key := newTestKey(func(a *webauthntest.Authenticator) { a.SelfAttests = true })
	stored := storedCredential{Owner: handleOne, Credential: register(f, key, handleOne)}
	createOptions, createSession, err := rp.beginRegistration(passkeyHolder{Handle: handleOne, Name: "tanaka"}, nil, passkeyTime)
	if err != nil {
		f.Fatal(err)
	}
	getOptions, getSession, err := rp.beginAssertion(nil, nil, true, passkeyTime)
	if err != nil {
		f.Fatal(err)
	}
	// New passkeys are made on another authenticator, so that this one goes on using the one that is stored.
	maker := newTestKey(func(a *webauthntest.Authenticator) { a.SelfAttests = true })
	signed := map[string]bool{}
	for _, tamper := range []webauthntest.Tamper{
		{},
		{Data: func(d *webauthntest.Data) {
			d.Flags |= webauthntest.Extended
			d.Extensions = webauthntest.Encode(map[string]any{"credProtect": 1})
		}},
		{Data: func(d *webauthntest.Data) {
			d.Key = webauthntest.EncodeKey(webauthntest.RS256, rsaKeys()[2048].Public())
		}},
		{Attestation: func(o map[string]any) { o["fmt"], o["attStmt"] = "none", map[string]any{} }},
		{Client: func(c *webauthntest.ClientData) { c.CrossOrigin = true }},
	} {
		for _, ceremony := range []struct {
			answer  func([]byte, ...webauthntest.Tamper) ([]byte, error)
			options []byte
		}{{maker.Create, createOptions}, {key.Get, getOptions}} {
			body, err := ceremony.answer(ceremony.options, tamper)
			if err != nil {
				f.Fatal(err)
			}
			var a fuzzedAnswer
			if err := json.Unmarshal(body, &a); err != nil {
				f.Fatal(err)
			}
			signed[string(a.Response.Data)] = true
			f.Add(body, []byte(a.Response.Client), []byte(a.Response.Data), []byte(a.Response.Signature), []byte(a.Response.Attestation))
		}
	}
	f.Fuzz(func(t *testing.T, body, client, data, signature, attestation []byte) {
		parts := fuzzedAnswer{ID: stored.Credential.ID, RawID: stored.Credential.ID, Type: "public-key"}
		parts.Response.Client, parts.Response.Data, parts.Response.Signature = client, data, signature
		parts.Response.Attestation, parts.Response.Handle = attestation, handleOne
		made, err := json.Marshal(parts)
		if err != nil {
			t.Fatal(err)
		}
		for _, answer := range [][]byte{body, made} {
			c, err := rp.finishRegistration(createSession, answer, handleOne, passkeyTime)
			if err == nil && (len(c.ID) < minCredentialID || !soundKey(c.PublicKey)) {
				t.Errorf("registered %+v", c)
			}
			a, err := rp.finishAssertion(getSession, answer, func(_, _ []byte) (storedCredential, error) { return stored, nil }, passkeyTime)
			if err != nil {
				continue
			}
			var read fuzzedAnswer
			if err := json.Unmarshal(answer, &read); err != nil {
				t.Errorf("accepted %q, which cannot be read", answer)
			}
			if !bytes.Equal(a.Credential.ID, stored.Credential.ID) || !a.UserVerified || !signed[string(read.Response.Data)] {
				t.Errorf("accepted %q", answer)
			}
		}
	})
}

// fuzzedAnswer is an answer's form for both ceremonies.
type fuzzedAnswer struct {
	ID       protocol.URLEncodedBase64 `json:"id"`
	RawID    protocol.URLEncodedBase64 `json:"rawId"`
	Type     string                    `json:"type"`
	Response struct {
		Client      protocol.URLEncodedBase64 `json:"clientDataJSON"`
		Data        protocol.URLEncodedBase64 `json:"authenticatorData"`
		Signature   protocol.URLEncodedBase64 `json:"signature"`
		Handle      protocol.URLEncodedBase64 `json:"userHandle"`
		Attestation protocol.URLEncodedBase64 `json:"attestationObject"`
	} `json:"response"`
}
