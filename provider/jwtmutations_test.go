package provider_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	"github.com/futakagi/futakagi/internal/testapp"
)

func b64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

func jsonOf(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err) // maps of plain values: cannot fail
	}
	return string(raw)
}

func with(m map[string]any, name string, v any) map[string]any {
	out := maps.Clone(m)
	if out == nil {
		out = map[string]any{}
	}
	out[name] = v
	return out
}

func without(m map[string]any, name string) map[string]any {
	out := maps.Clone(m)
	delete(out, name)
	return out
}

// badJWTs are JWTs that must be refused whatever they are for, made of one that is good but for the change: by their shape, their header,
// their signature and their spelling. fresh makes the claims of a good one, no two alike.
func badJWTs(key, other *testapp.ClientKey, header map[string]any, fresh func() map[string]any) map[string]string {
	bad := map[string]string{"empty": "", "dots": "..", "text": "not a token", "NUL-free text with dots": "a.b.c"}
	full := with(with(header, "alg", key.Alg), "kid", key.ID)
	sign := func(h map[string]any) string { return key.SignRaw(jsonOf(h), jsonOf(fresh())) }
	good := func() (head, body, sig string) {
		parts := strings.Split(sign(full), ".")
		return parts[0], parts[1], parts[2]
	}

	// Headers.
	for _, alg := range []any{"none", "None", "NONE", "", "HS256", "HS512", "RS1", "RS384", "PS512", "ES512", "es256", "dir", "RSA-OAEP", nil, 5, []any{key.Alg}} {
		bad[fmt.Sprintf("alg %v", alg)] = sign(with(full, "alg", alg))
	}
	bad["no alg"] = sign(without(full, "alg"))
	bad["none without signature"] = b64(`{"alg":"none"}`) + "." + b64(jsonOf(fresh())) + "."
	for name, v := range map[string]any{
		"crit": []string{"exp"}, "b64": false, "zip": "DEF", "enc": "A128GCM",
	} {
		bad["header "+name] = sign(with(full, name, v))
	}
	bad["crit and b64"] = sign(with(with(full, "crit", []string{"b64"}), "b64", false))
	bad["crit of nothing"] = sign(with(full, "crit", []string{}))
	bad["crit null"] = sign(with(full, "crit", nil))
	for name, v := range map[string]any{
		"another's": other.ID, "unknown": "nobody", "path": "../../../dev/null", "SQL": "' OR 1=1 --", "number": 1, "null": nil, "list": []string{key.ID},
		"long": strings.Repeat("k", 4000), "control": "k\x00\n",
	} {
		bad["kid "+name] = sign(with(full, "kid", v))
	}
	for name, v := range map[string]any{"number": 1, "null": nil, "object": map[string]any{}, "of a logout token": "logout+jwt", "of a proof": "dpop+jwt"} {
		if name != "of a logout token" && name != "of a proof" || header["typ"] != nil {
			bad["typ "+name] = sign(with(full, "typ", v))
		}
	}
	// The key comes with the token: whoever believes it believes anybody.
	evil := full
	bad["jwk in the header"] = other.SignRaw(jsonOf(with(evil, "jwk", other.JWK())), jsonOf(fresh()))
	bad["jku in the header"] = other.SignRaw(jsonOf(with(evil, "jku", "https://evil.example/jwks")), jsonOf(fresh()))
	bad["x5u in the header"] = other.SignRaw(jsonOf(with(evil, "x5u", "https://evil.example/cert")), jsonOf(fresh()))
	bad["duplicate alg"] = key.SignRaw(`{"alg":"none","alg":"`+key.Alg+`","kid":"`+key.ID+`"}`, jsonOf(fresh()))
	bad["duplicate alg, other order"] = key.SignRaw(`{"alg":"`+key.Alg+`","alg":"none","kid":"`+key.ID+`"}`, jsonOf(fresh()))
	bad["ALG"] = key.SignRaw(`{"ALG":"`+key.Alg+`","kid":"`+key.ID+`"}`, jsonOf(fresh()))
	for name, h := range map[string]string{"list": "[]", "null": "null", "text": `"x"`, "nothing": "", "two": `{"alg":"` + key.Alg + `"}{}`, "not UTF-8": "{\"alg\":\"" + key.Alg + "\",\"x\":\"\xff\"}"} {
		bad["header is "+name] = key.SignRaw(h, jsonOf(fresh()))
	}

	// Signatures.
	bad["another key"] = other.SignRaw(jsonOf(full), jsonOf(fresh()))
	public := jsonOf(key.JWK())
	for _, secret := range []string{public, key.ID, "", jsonOf(map[string]any{"keys": []any{key.JWK()}})} {
		input := b64(jsonOf(with(full, "alg", "HS256"))) + "." + b64(jsonOf(fresh()))
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write([]byte(input))
		bad["HS256 with "+fmt.Sprint(len(secret))+" bytes that are public"] = input + "." + b64(string(mac.Sum(nil)))
	}
	head, body, sig := good()
	bad["no signature"] = head + "." + body + "."
	bad["two parts"] = head + "." + body
	bad["four parts"] = head + "." + body + "." + sig + "."
	bad["five parts"] = head + "." + body + "." + sig + "." + sig + "." + sig
	bad["signature of zeros"] = head + "." + body + "." + strings.Repeat("A", len(sig))
	bad["payload exchanged"] = head + "." + b64(jsonOf(fresh())) + "." + sig
	bad["header exchanged"] = b64(jsonOf(with(full, "x", 1))) + "." + body + "." + sig
	for at := 0; at < len(sig); at += 11 {
		h, b, s := good()
		bad[fmt.Sprintf("signature cut at %d", at)] = h + "." + b + "." + s[:at]
		c := byte('A')
		if s[at] == c {
			c = 'B'
		}
		bad[fmt.Sprintf("signature changed at %d", at)] = h + "." + b + "." + s[:at] + string(c) + s[at+1:]
	}

	// Spellings.
	for name, spell := range map[string]func(h, b, s string) string{
		"padding":           func(h, b, s string) string { return h + "." + b + "." + s + "==" },
		"trailing text":     func(h, b, s string) string { return h + "." + b + "." + s + "AAAA" },
		"space before":      func(h, b, s string) string { return " " + h + "." + b + "." + s },
		"space after":       func(h, b, s string) string { return h + "." + b + "." + s + " " },
		"standard alphabet": func(h, b, s string) string { return h + "." + b + "." + s[:10] + "+/" + s[12:] },
		"not UTF-8":         func(h, b, s string) string { return h + "." + b + "\xff." + s },
		"JSON serialization": func(h, b, s string) string {
			return jsonOf(map[string]any{"protected": h, "payload": b, "signature": s})
		},
		"huge": func(h, b, s string) string { return h + "." + b + "." + s + strings.Repeat("A", 9000) },
	} {
		bad["spelling: "+name] = spell(good())
	}

	// Payloads that are no claims.
	for name, payload := range map[string]string{
		"list": "[]", "null": "null", "text": `"x"`, "number": "1", "nothing": "", "cut": jsonOf(fresh())[:20], "two": jsonOf(fresh()) + jsonOf(fresh()),
		"trailing": jsonOf(fresh()) + "x", "not UTF-8": strings.Replace(jsonOf(fresh()), `{`, "{\"x\":\"\xff\",", 1),
		"deep": strings.Repeat(`{"a":`, 1000) + "1" + strings.Repeat("}", 1000),
	} {
		bad["payload: "+name] = key.SignRaw(jsonOf(full), payload)
	}
	// Each claim twice, the second one the same: two readers could still disagree about another pair.
	for name, v := range fresh() {
		doubled := strings.TrimSuffix(jsonOf(fresh()), "}") + "," + jsonOf(name) + ":" + jsonOf(v) + "}"
		bad["claim twice: "+name] = key.SignRaw(jsonOf(full), doubled)
	}
	return bad
}

// badClaims are claims that must be refused: each of the required ones left out, and each of these of every wrong kind.
func badClaims(required, typed []string, fresh func() map[string]any) map[string]map[string]any {
	bad := map[string]map[string]any{}
	for _, name := range required {
		bad["without "+name] = without(fresh(), name)
		bad["capital "+name] = with(without(fresh(), name), strings.ToUpper(name), fresh()[name])
	}
	for _, name := range typed {
		for kind, v := range map[string]any{"null": nil, "object": map[string]any{"a": 1}, "boolean": true, "empty list": []any{}, "list of numbers": []any{1}} {
			bad[name+" as "+kind] = with(fresh(), name, v)
		}
	}
	return bad
}
