package provider

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/futakagi/futakagi/client"
	"github.com/futakagi/futakagi/store/storetest"
)

func TestUserCodesAsPeopleTypeThem(t *testing.T) {
	for typed, want := range map[string]string{
		"BCDF-GHJK":             "BCDF-GHJK",
		"bcdfghjk":              "BCDF-GHJK",
		" bcdf ghjk ":           "BCDF-GHJK",
		"ｂｃｄｆ－ＧＨＪＫ":             "BCDF-GHJK",
		"ＢＣＤＦーＧＨＪＫ":             "BCDF-GHJK",
		"BCDF.GHJ K":            "BCDF-GHJK",
		"BCDFGHJ":               "",
		"BCDFGHJKL":             "",
		"BCDFGHJA":              "", // a vowel
		"BCDFGHJ1":              "",
		"BCDF\x00GHJK":          "",
		"":                      "",
		strings.Repeat("-", 99): "",
	} {
		if got, ok := readUserCode(typed); ok != (want != "") || ok && got != want {
			t.Errorf("%q: %q %v", typed, got, ok)
		}
	}
	seen := map[string]bool{}
	for range 200 {
		code := newUserCode()
		if got, ok := readUserCode(code); !ok || got != code || seen[code] {
			t.Errorf("made %q, read %q", code, got)
		}
		seen[code] = true
	}
}

func FuzzReadUserCode(f *testing.F) {
	for _, s := range []string{"BCDF-GHJK", "ｂｃｄｆ ghjk", "\xff", "ーーー", strings.Repeat("B", 101)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		code, ok := readUserCode(typed)
		if !ok {
			return
		}
		if again, ok := readUserCode(code); !ok || again != code || len(code) != userCodeLength+1 || strings.Trim(code, userLetters+"-") != "" {
			t.Errorf("%q became %q, which became %q", typed, code, again)
		}
	})
}

// One network begins so many devices, and sends so many proofs of clients that have no secret, and then has to wait (I29).
func TestI29_DevicesAndProofsOfOneNetwork(t *testing.T) {
	b := newMachineBench(t, storetest.SQLite(t))
	b.deviceBudget, b.proofBudget = newFlowBudget(2), newFlowBudget(2)
	b.addClient("till", "none", algES256, true, []string{grantDevice}, []string{"openid"})
	b.addSettings("bound", client.Settings{DPoP: true})
	if err := b.ReloadClients(t.Context()); err != nil {
		t.Fatal(err)
	}
	begin := func() reply { return b.post(pathDeviceAuth, "till", url.Values{"scope": {"openid"}}) }
	prove := func() reply { return b.prove(newProver(t), "app", codeForm("ac_x", testVerifier), nil) }
	for range 2 {
		if r := begin(); r.Code != http.StatusOK {
			t.Fatalf("a device: %d %s", r.Code, r.Body)
		}
		wantRefused(t, prove(), http.StatusBadRequest, codeInvalidGrant)
	}
	for name, r := range map[string]reply{"a device": begin(), "a proof": prove()} {
		wantRefused(t, r, http.StatusTooManyRequests, codeUnavailable)
		if r.Header().Get("Retry-After") == "" {
			t.Errorf("%s: no Retry-After", name)
		}
	}
	own := url.Values{"grant_type": {"client_credentials"}}
	if r := b.prove(newProver(t), "bound", own, map[string]any{"nonce": b.nonces.now()}); r.Code != http.StatusOK {
		t.Errorf("a client with a secret: %d %s", r.Code, r.Body)
	}
}
