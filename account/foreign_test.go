package account

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/store/storetest"
)

// foreignHash is a hash that another implementation made of a known password.
type foreignHash struct{ by, format, password, hash string }

func foreignHashes() []foreignHash {
	const (
		horse = "correct horse battery"
		kana  = "パスワードは長いほどよい"
		// The password of ASP.NET Core Identity's own tests, where the hashes are from; checked with Python's hashlib.
		microsoft = "my password"
	)
	return []foreignHash{
		{"argon2-cffi 25.1.0", "argon2id", horse, `$argon2id$v=19$m=1024,t=2,p=2$MDEyMzQ1Njc4OWFiY2RlZg$jEyMYQO8B8qEjmnOVGsAamgGqRdkl7d0QqJx4BPrRMI`},
		{"argon2-cffi 25.1.0", "argon2i", horse, `$argon2i$v=19$m=1024,t=3,p=1$MDEyMzQ1Njc4OWFiY2RlZg$avi1tH6i9x6yynHvAT87d2rUTm4n1CLbuLLZj2XBbb8`},
		{"argon2-cffi 25.1.0", "argon2d", kana, `$argon2d$v=19$m=1024,t=1,p=4$MDEyMzQ1Njc4OWFiY2RlZg$WcbjL02l9e75Mna+s1HUYXXMWXasJs51`},
		{"bcrypt 4.0.1", "bcrypt", horse, `$2b$05$CCCCCCCCCCCCCCCCCCCCC.4c/Vz//sBM9XkyFmwsCP9HkrjK1U32S`},
		{"bcrypt 4.0.1 (as PHP and Laravel write it)", "bcrypt", kana, `$2y$05$abcdefghijklmnopqrstuunGpBactq2z4YAUK.VpFZNrrxRm30ndy`},
		{"passlib 1.7.4", "scrypt", horse, `$scrypt$ln=10,r=8,p=2$MDEyMzQ1Njc4OWFiY2RlZg$faCG2Y2MU7gpu0yKEJONexUzhBri6oOSfKdyxUHubQ0`},
		{"passlib 1.7.4", "scrypt", kana, `$scrypt$ln=8,r=4,p=1$MDEyMzQ1Njc4OWFiY2RlZg$sRvO5c+5ffTA29fW+NvHleNspHknULF2mH+krVKJTQg`},
		{"passlib 1.7.4", "pbkdf2", horse, `$pbkdf2$1000$MDEyMzQ1Njc4OWFiY2RlZg$rDjxw4qmzpl4HTyqLNYNsdE5Zi4`},
		{"passlib 1.7.4", "pbkdf2-sha256", kana, `$pbkdf2-sha256$1000$MDEyMzQ1Njc4OWFiY2RlZg$vbGKpcw2i12pd0ECDXpzhXAVTFFVAhBmQDe3PSX38.Y`},
		{"passlib 1.7.4", "pbkdf2-sha512", horse, `$pbkdf2-sha512$1000$MDEyMzQ1Njc4OWFiY2RlZg$7F/Y1rnWXXurLCfFvAmyjyXtbABhgzBTBNcm//wlnvGBOz7OExlgRFs5qwaY5PzB3/WjR7P4yv/ACDQZpDXIfQ`},
		{"Django 5.2.19", "Django pbkdf2_sha256", horse, `pbkdf2_sha256$1000$0123456789abcdefABCDEF$dRhCuUTHgfuFuZ1eEDEMUFeHJI1vdzilSdv2BPH3NA4=`},
		{"Django 5.2.19", "Django pbkdf2_sha256", kana, `pbkdf2_sha256$1000$0123456789abcdefABCDEF$HtXGJZdgAOt3JrJPOLHKB3u/E/6tNeE+Jx867+Jub8E=`},
		{"Django 5.2.19", "Django pbkdf2_sha1", horse, `pbkdf2_sha1$1000$0123456789abcdefABCDEF$1r7rfXxJ404xdsVfgMlvapHYPuQ=`},
		{"Django 5.2.19", "Django bcrypt_sha256", horse, `bcrypt_sha256$$2b$05$CCCCCCCCCCCCCCCCCCCCC.HRvMdZuVaC65y0x0wWwQSUujIIzXrYS`},
		{"Django 5.2.19", "Django bcrypt_sha256", kana, `bcrypt_sha256$$2b$05$CCCCCCCCCCCCCCCCCCCCC.roOOMkUqILyjWH2DMkarNkBXQdEkXF.`},
		{"Django 5.2.19", "Django bcrypt", horse, `bcrypt$$2b$05$CCCCCCCCCCCCCCCCCCCCC.4c/Vz//sBM9XkyFmwsCP9HkrjK1U32S`},
		{"Django 5.2.19", "Django argon2", horse, `argon2$argon2id$v=19$m=1024,t=1,p=8$MDEyMzQ1Njc4OWFiY2RlZkFCQ0RFRg$by575qzeddFMgy/BrESEJGZgMV3k98bEohMMFwhdMTo`},
		{"Django 5.2.19", "Django scrypt", horse, `scrypt$1024$0123456789abcdefABCDEF$8$5$Sc0WPzKgjBGz6jgENWw6Fu5MVJPftIwFfXrsnBfq5L+BbGXn4wPtofFTffKEGppqBVPlhZ8tuiPLO2z5lT274w==`},
		{"passlib 1.7.4", "salted SHA-2", horse, `{SSHA256}YAQXN/bBbCOfeFHCU9CXxL4mRkUjweb7g2b9PeY0Ev5zYWx0U0FMVA==`},
		{"passlib 1.7.4", "salted SHA-2", kana, `{SSHA512}1g3SHKC20Q4Al+IV+bgOhLD94+oDblBQzpN8+STgbjZvxz/4O/bmpKyGwo5sj1cbNs7JrAiTcnzsOuh/2VHxU3NhbHRTQUxUc2FsdA==`},
		{"passlib 1.7.4", "phpass", horse, `$P$6abcdefghyRBpe.F2TfPI.IUb.3wEn0`},
		{"passlib 1.7.4", "phpass", kana, `$H$5IQRaTwmf7yiByfWGIMjJXfsSG/Qik0`},
		{"hashlib of Python 3.11", "Keycloak pbkdf2-sha512", horse, `{"type":"password","secretData":"{\"value\":\"7F/Y1rnWXXurLCfFvAmyjyXtbABhgzBTBNcm//wlnvGBOz7OExlgRFs5qwaY5PzB3/WjR7P4yv/ACDQZpDXIfQ==\",\"salt\":\"MDEyMzQ1Njc4OWFiY2RlZg==\",\"additionalParameters\":{}}","credentialData":"{\"hashIterations\":1000,\"algorithm\":\"pbkdf2-sha512\",\"additionalParameters\":{}}"}`},
		{"hashlib of Python 3.11", "Keycloak pbkdf2-sha256", kana, `{"type":"password","secretData":"{\"value\":\"vbGKpcw2i12pd0ECDXpzhXAVTFFVAhBmQDe3PSX38+b7c9jgTRXyd3WkpisHr81uyGMiBTEtAFjIF57aBPiyRg==\",\"salt\":\"MDEyMzQ1Njc4OWFiY2RlZg==\",\"additionalParameters\":{}}","credentialData":"{\"hashIterations\":1000,\"algorithm\":\"pbkdf2-sha256\",\"additionalParameters\":{}}"}`},
		{"hashlib of Python 3.11", "Keycloak pbkdf2", horse, `{"type":"password","secretData":"{\"value\":\"rDjxw4qmzpl4HTyqLNYNsdE5Zi5hOVtuAtSpIuv9sre4VuMqmB4GODFe6Wixy274SVuULGbsfRdOmmfrHd+XnQ==\",\"salt\":\"MDEyMzQ1Njc4OWFiY2RlZg==\",\"additionalParameters\":{}}","credentialData":"{\"hashIterations\":1000,\"algorithm\":\"pbkdf2\",\"additionalParameters\":{}}"}`},
		{"argon2-cffi 25.1.0", "Keycloak argon2", horse, `{"type":"password","secretData":"{\"value\":\"L9pG3mHi5ou00rSuCyIwZg3RmnPI7uss/Nqvey9gonk=\",\"salt\":\"MDEyMzQ1Njc4OWFiY2RlZg==\",\"additionalParameters\":{}}","credentialData":"{\"hashIterations\":5,\"algorithm\":\"argon2\",\"additionalParameters\":{\"hashLength\":[\"32\"],\"memory\":[\"1024\"],\"type\":[\"id\"],\"version\":[\"1.3\"],\"parallelism\":[\"1\"]}}"}`},
		{"aspnetcore-identity-password-hasher 1.0.1", "ASP.NET Identity v3", horse, `AQAAAAEAACcQAAAAENnDK+Te3K4clee7tFUybMCKn8VVT7PeVz8+OiE2JHsh3nphy6oHu+NWX2sCaz6oaw==`},
		{"wordpress-hash-node 1.0.0", "phpass", horse, `$P$BW/1JXZaGVnuZkFoX4mq0fJXOUX4Fj/`},
		{"ASP.NET Core Identity", "ASP.NET Identity v3", microsoft, `AQAAAAIAAAAyAAAAEOMwvh3+FZxqkdMBz2ekgGhwQ4B6pZWND6zgESBuWiHw`},
		{"ASP.NET Core Identity", "ASP.NET Identity v3", microsoft, `AQAAAAAAAAD6AAAAEAhftMyfTJylOlZT+eEotFXd1elee8ih5WsjXaR3PA9M`},
		{"ASP.NET Core Identity", "ASP.NET Identity v2", microsoft, `ANXrDknc7fGPpigibZXXZFMX4aoqz44JveK6jQuwY3eH/UyPhvr5xTPeGYEckLxz9A==`},
	}
}

func TestForeignHashesAreChecked(t *testing.T) {
	h := newTestHasher(t, HasherConfig{})
	for i, v := range foreignHashes() {
		t.Run(fmt.Sprintf("%02d %s", i, v.format), func(t *testing.T) {
			canonical, format, err := ParseImportedHash(" " + v.hash + "\n")
			if err != nil || format != v.format {
				t.Fatalf("format = %q, %v, want %q", format, err, v.format)
			}
			if again, _, err := ParseImportedHash(string(canonical)); err != nil || again != canonical {
				t.Errorf("our own spelling becomes %q, %v", again, err)
			}
			hash := string(canonical)
			for secret, want := range map[string]bool{
				v.password: true, v.password + " ": false, strings.ToUpper(v.password[:1]) + v.password[1:] + "x": false, "": false,
			} {
				if ok, err := h.Check(t.Context(), hash, secret); ok != want || err != nil {
					t.Errorf("%s: Check(%q) = %v, %v, want %v", v.by, secret, ok, err, want)
				}
			}
			if !h.NeedsRehash(hash) {
				t.Error("it needs no rehash")
			}
			p, err := h.parse(hash)
			if err != nil {
				t.Fatal(err)
			}
			rest, err := h.rest(p)
			if total := p.work + rest.work; err != nil || total > h.work() || total < h.work()*9/10 {
				t.Errorf("work %d and rest %d, %v, make other than our %d", p.work, rest.work, err, h.work())
			}
		})
	}
}

// The defaults of today's frameworks, which a customer may bring in numbers.
func TestCommonFrameworksAreAffordable(t *testing.T) {
	s := setup(t, storetest.SQLite(t), HasherConfig{})
	const (
		salt, key   = "c29tZXNhbHRzb21lc2FsdA", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
		bcryptDigit = "CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"
	)
	for name, hash := range map[string]string{
		"Django 5 and 6":       "pbkdf2_sha256$1200000$0123456789abcdefABCDEF$" + key + "=",
		"Django argon2":        "argon2$argon2id$v=19$m=102400,t=2,p=8$" + salt + "$" + key,
		"Django scrypt":        "scrypt$16384$0123456789abcdefABCDEF$8$5$" + key + "=",
		"Django bcrypt_sha256": "bcrypt_sha256$$2b$12$" + bcryptDigit,
		"Keycloak":             "$pbkdf2-sha512$210000$" + salt + "$" + key + key,
		"Keycloak argon2":      "$argon2id$v=19$m=7168,t=5,p=1$" + salt + "$" + key,
		"ASP.NET of .NET 8":    "$pbkdf2-sha512$100000$" + salt + "$" + key,
		"Laravel":              "$2y$12$" + bcryptDigit,
		"PHP argon2id":         "$argon2id$v=19$m=65536,t=4,p=1$" + salt + "$" + key,
		"OWASP scrypt":         "$scrypt$ln=17,r=8,p=1$" + salt + "$" + key,
		"OWASP pbkdf2 SHA-1":   "$pbkdf2$1300000$" + salt + "$AAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"WordPress":            "$P$BW/1JXZaGVnuZkFoX4mq0fJXOUX4Fj/",
	} {
		if _, _, err := s.ImportHash(hash); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestForeignBackupCodesAreCheckedAsOthersMadeThem(t *testing.T) {
	s := setup(t, storetest.SQLite(t), cheap)
	const other = `$2b$04$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW`
	for name, text := range map[string]string{
		"bcrypt":   `$2b$05$CCCCCCCCCCCCCCCCCCCCC.4c/Vz//sBM9XkyFmwsCP9HkrjK1U32S`,
		"argon2":   `$argon2id$v=19$m=1024,t=2,p=2$MDEyMzQ1Njc4OWFiY2RlZg$jEyMYQO8B8qEjmnOVGsAamgGqRdkl7d0QqJx4BPrRMI`,
		"Django":   `pbkdf2_sha256$1000$0123456789abcdefABCDEF$dRhCuUTHgfuFuZ1eEDEMUFeHJI1vdzilSdv2BPH3NA4=`,
		"SHA-256":  `9028ea0d15decaa35b2da21c0290af3b1a5ba0a30a591906f89b5074e209ea72`,
		"SHA-512":  `{sha512}zvYeTk7ae6ii/qoSBhf896UTrZIEQjsl4kO30/VW+ShT6VsVatr/3Zon0OUHNq1qa7zFDOipvTUWL315nomlIQ==`,
		"Keycloak": `{"type":"recovery-authn-codes","secretData":"{\"codes\":[{\"number\":1,\"encodedHashedValue\":\"4lrDhF+MvhKAGi36WonUxV3EeQDztu3Jqe5ZDzwrkxL2ZdADnJOCi3tY8zlQvIF6CVWpxQAKjT4oBWnwh0XKaA==\"},{\"number\":2,\"encodedHashedValue\":\"zvYeTk7ae6ii/qoSBhf896UTrZIEQjsl4kO30/VW+ShT6VsVatr/3Zon0OUHNq1qa7zFDOipvTUWL315nomlIQ==\"}]}","credentialData":"{\"hashIterations\":1,\"algorithm\":\"RS512\",\"totalCodes\":2,\"remainingCodes\":2}"}`,
	} {
		forms, err := s.ImportCodes([]string{other, text})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		at, err := s.CheckCode(t.Context(), forms, []string{"correct-horse", "correct horse battery"})
		if err != nil || at != len(forms)-1 {
			t.Errorf("%s: found at %d of %d, %v", name, at, len(forms), err)
		}
		if at, err := s.CheckCode(t.Context(), forms, []string{"correct horse"}); err != nil || at != -1 {
			t.Errorf("%s: a wrong code is found at %d, %v", name, at, err)
		}
		if again, err := s.ImportCodes(forms); err != nil || !slices.Equal(again, forms) {
			t.Errorf("%s: an export is read as %v, %v", name, again, err)
		}
		if form := forms[len(forms)-1]; strings.HasPrefix(form, "{SHA") {
			if _, _, err := s.ImportHash(form); !errors.Is(err, ErrHash) {
				t.Errorf("%s is taken for a password: %v", name, err)
			}
		}
	}
	for _, text := range []string{"", "abcdef", "0123456789", "{SHA256}AAAA", "{SHA1}qUqP5cyxm6YcTAhz05Hph5gvu9M=", `{"secretData":"{\"codes\":1}"}`, "12345678-abcd"} {
		if _, err := s.ImportCodes([]string{text}); !errors.Is(err, ErrHash) {
			t.Errorf("%q: %v, want ErrHash", text, err)
		}
	}
}

// All codes of an account are compared with each try.
func TestI29_BackupCodesThatCostTooMuchTogetherAreRefused(t *testing.T) {
	s := setup(t, storetest.SQLite(t), HasherConfig{})
	hashes := func(cost string) []string {
		return slices.Repeat([]string{"$2b$" + cost + "$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"}, 10)
	}
	if _, err := s.ImportCodes(hashes("10")); err != nil {
		t.Errorf("ten of cost 10: %v", err)
	}
	if _, err := s.ImportCodes(hashes("12")); !errors.Is(err, ErrCodesCost) {
		t.Errorf("ten of cost 12: %v", err)
	}
}

func TestI29_DearForeignHashesAreRefused(t *testing.T) {
	s := setup(t, storetest.SQLite(t), HasherConfig{MemoryBudgetMiB: 64})
	const (
		salt, key   = "c29tZXNhbHRzb21lc2FsdA", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
		tail        = "$" + salt + "$" + key
		bcryptDigit = "CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"
	)
	start := time.Now()
	for _, hash := range []string{
		"$argon2i$v=19$m=65537,t=1,p=1" + tail, "$argon2d$v=19$m=65536,t=17,p=1" + tail, "$argon2d$v=19$m=64,t=1,p=17" + tail,
		"$argon2i$v=16$m=64,t=1,p=1" + tail, "$argon2id$v=19$m=9223372036854775807,t=9223372036854775807,p=1" + tail,
		"argon2$argon2id$v=19$m=102400,t=2,p=8" + tail,
		"$scrypt$ln=17,r=8,p=1" + tail, "$scrypt$ln=16,r=8,p=5" + tail, "$scrypt$ln=63,r=8,p=1" + tail, "$scrypt$ln=14,r=8,p=17" + tail,
		"$scrypt$ln=1,r=1073741823,p=1" + tail, "$scrypt$ln=0,r=8,p=1" + tail, "$scrypt$r=8,ln=4,p=1" + tail, "$scrypt$ln=4,r=8,p=1,ln=30" + tail,
		"scrypt$1073741824$0123456789abcdef$8$1$" + key + "=", "scrypt$1024$0123456789abcdef$8$16777216$" + key + "=",
		"scrypt$1000$0123456789abcdef$8$1$" + key + "=",
		"$pbkdf2-sha256$2200000" + tail, "$pbkdf2-sha512$1100000" + tail, "$pbkdf2$2200000" + tail, "$pbkdf2-sha256$0" + tail,
		"$pbkdf2-sha256$-5" + tail, "$pbkdf2-sha256$9999999999999999999" + tail, "$pbkdf2-sha256$1e3" + tail, "$pbkdf2-sha256$0100" + tail,
		"$pbkdf2-sha256$1100000" + tail + key, // two blocks, each as dear as one
		"$pbkdf2-sha256$1$" + salt + "$" + strings.Repeat("A", 256), "$pbkdf2-sha256$1$" + salt + "$AAAA", "$pbkdf2-sha256$1$AAAA$" + key,
		"pbkdf2_sha256$2200000$0123456789abcdef$" + key + "=",
		"AQAAAAL/////AAAAEOMwvh3+FZxqkdMBz2ekgGhwQ4B6pZWND6zgESBuWiHw", // ASP.NET with the most iterations there can be
		"AQAAAAIAAAAyf////+Mwvh3+FZxqkdMBz2ekgGhwQ4B6pZWND6zgESBuWiHw", // and with more salt than there is
		"AQAAAAMAAAAyAAAAEOMwvh3+FZxqkdMBz2ekgGhwQ4B6pZWND6zgESBuWiHw",
		"$P$Habcdefgh7yiByfWGIMjJXfsSG/Qik", "$P$Habcdefgh7yiByfWGIMjJXfsSG/Qik0", "$P$.abcdefgh7yiByfWGIMjJXfsSG/Qik0", "$P$" + strings.Repeat("z", 31),
		"bcrypt_sha256$$2b$15$" + bcryptDigit, "bcrypt$$2b$31$" + bcryptDigit, "$2b$+5$" + bcryptDigit, "bcrypt_sha256$" + bcryptDigit,
		`{"secretData":"{\"value\":\"` + key + `=\",\"salt\":\"MDEyMzQ1Njc4OWFiY2RlZg==\"}","credentialData":"{\"hashIterations\":2200000,\"algorithm\":\"pbkdf2-sha256\"}"}`,
		`{"secretData":"{\"value\":\"` + key + `=\",\"salt\":\"MDEyMzQ1Njc4OWFiY2RlZg==\"}","credentialData":"{\"hashIterations\":1,\"algorithm\":\"md5\"}"}`,
		`{"secretData":"{\"value\":\"` + key + `=\",\"salt\":\"MDEyMzQ1Njc4OWFiY2RlZg==\"}","credentialData":"{\"hashIterations\":5,\"algorithm\":\"argon2\",\"additionalParameters\":{\"memory\":[\"999999\"],\"type\":[\"id\"],\"version\":[\"1.3\"],\"parallelism\":[\"1\"]}}"}`,
		`{"secretData":"","credentialData":""}`, `{"`, "{SSHA256}AAAA", "{SSHA}AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "{SSHA512}" + key + "=",
		"{SSHA256}" + strings.Repeat("AAAA", 200),
		"", "x", "$", "$$$", "$1$abc$def", "$5$rounds=5000$salt$key", "md5$salt$key", "unsalted_sha1$$abc", "pbkdf2_sha256$1000$salt", "hunter2",
		strings.Repeat("$", 4000),
	} {
		if _, _, err := s.ImportHash(hash); !errors.Is(err, ErrHash) {
			t.Errorf("ImportHash(%.80q): %v, want ErrHash", hash, err)
		}
		if ok, err := s.hasher.Check(t.Context(), hash, "x"); ok || !errors.Is(err, ErrHash) {
			t.Errorf("Check(%.80q) = %v, %v, want ErrHash", hash, ok, err)
		}
	}
	if d := time.Since(start); d > 2*time.Second {
		t.Errorf("the refusals took %v", d)
	}
}

// refusals are all that is said of a hash that cannot be used.
func refusals() []string {
	return []string{
		"too long", "unknown form", "costs too much time", "argon2 of another version", "argon2 parameters out of range",
		"argon2 key or salt cannot be read or is too short", "bcrypt of another version", "bcrypt cost out of range",
		"bcrypt key or salt cannot be read", "scrypt parameters out of range", "scrypt key or salt cannot be read or is too short",
		"scrypt key is not base64", "pbkdf2 iterations out of range", "pbkdf2 key or salt cannot be read or is too short",
		"pbkdf2 key is not base64", "salted SHA-2 cannot be read or has too little salt", "phpass hash cannot be read",
		"phpass rounds out of range", "Keycloak credential cannot be read", "Keycloak salt is not base64", "Keycloak algorithm is not known",
		"needs more than the 128 MiB that hashes may take (password.memory_budget_mib)",
	}
}

// I15, I29: whatever an import holds, an error is one of a few fixed sentences, and what is accepted is bounded.
func FuzzParseImportedHash(f *testing.F) {
	for _, v := range foreignHashes() {
		f.Add(v.hash)
		f.Add(strings.Replace(v.hash, "1", "9", 1))
		f.Add(v.hash[:len(v.hash)-1])
	}
	known := refusals()
	h := newTestHasher(f, HasherConfig{})
	f.Fuzz(func(t *testing.T, text string) {
		refused := func(err error) {
			reason, ok := strings.CutPrefix(err.Error(), ErrHash.Error()+": ")
			if !ok || !errors.Is(err, ErrHash) || !slices.Contains(known, reason) {
				t.Fatalf("%q: the error says %q", text, err)
			}
		}
		canonical, format, err := ParseImportedHash(text)
		if err != nil {
			refused(err)
			if canonical != "" || format != "" {
				t.Fatalf("%q was refused and became %q, %q", text, canonical, format)
			}
			return
		}
		if again, _, err := ParseImportedHash(string(canonical)); err != nil || again != canonical || len(canonical) > maxHashText || format == "" {
			t.Fatalf("%q became %q, which becomes %q, %v", text, canonical, again, err)
		}
		p, err := h.parse(string(canonical))
		if err != nil {
			refused(err)
			return
		}
		if p.memory > foreignMemoryKiB || p.work > maxForeignWork {
			t.Fatalf("%q takes %d KiB, work %d", text, p.memory, p.work)
		}
		if p.work < 20_000 {
			if _, err := p.match("no such password"); err != nil {
				t.Fatalf("%q: %v", text, err)
			}
		}
	})
}

// moved makes an account with a hash from elsewhere.
func (f *fixture) moved(t testing.TB, loginID, hash string) store.Account {
	t.Helper()
	canonical, _, err := f.ImportHash(hash)
	if err != nil {
		t.Fatal(err)
	}
	var id store.AccountID
	f.inTx(t, func(tx *store.Tx) error {
		id = f.accountIn(t, tx, loginID)
		return f.SetPassword(t.Context(), tx, id, canonical)
	})
	a, err := f.ByID(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestForeignHashesAreUpgradedAtSignIn(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		f := setup(t, db, cheap)
		ctx := t.Context()
		for i, v := range foreignHashes() {
			login := fmt.Sprintf("moved-%02d", i)
			before := f.moved(t, login, v.hash)
			if _, err := f.Verify(ctx, KindStore, login, v.password+"x"); !errors.Is(err, ErrBadCredentials) {
				t.Fatalf("%s: a wrong password: %v", v.format, err)
			}
			if got, _ := f.ByID(ctx, before.ID); got.PasswordHash != before.PasswordHash {
				t.Fatalf("%s: a wrong password changed the hash", v.format)
			}
			for range 2 {
				if _, err := f.Verify(ctx, KindStore, login, v.password); err != nil {
					t.Fatalf("%s: %v", v.format, err)
				}
			}
			after, err := f.ByID(ctx, before.ID)
			if err != nil || !strings.HasPrefix(after.PasswordHash, "$argon2id$v=19$m=64,t=1,p=1$") || after.CredentialEpoch != before.CredentialEpoch {
				t.Errorf("%s: hash %.30s, epoch %d of %d, %v", v.format, after.PasswordHash, after.CredentialEpoch, before.CredentialEpoch, err)
			}
		}
	})
}

func TestSignInsThatUpgradeTheSameHashRace(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		f := setup(t, db, HasherConfig{MemoryKiB: 64, Iterations: 1, Queue: 100})
		v := foreignHashes()[0]
		for round := range 10 {
			login := fmt.Sprintf("race-%d", round)
			before := f.moved(t, login, v.hash)
			var wg sync.WaitGroup
			for i := range 4 { // no more than are allowed before a pause
				wg.Go(func() {
					if _, err := f.Verify(from(t, fmt.Sprintf("203.0.113.%d", i)), KindStore, login, v.password); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			after, err := f.ByID(t.Context(), before.ID)
			if err != nil || f.hasher.NeedsRehash(after.PasswordHash) || after.CredentialEpoch != before.CredentialEpoch {
				t.Fatalf("hash %.30s, epoch %d of %d, %v", after.PasswordHash, after.CredentialEpoch, before.CredentialEpoch, err)
			}
			if ok, err := f.hasher.Check(t.Context(), after.PasswordHash, v.password); !ok || err != nil {
				t.Fatalf("the password does not open it any more: %v, %v", ok, err)
			}
		}
	})
}

// I11: who signs in with the old password at the moment it is changed does not bring it back.
func TestI11_AnUpgradeDoesNotBringAFormerPasswordBack(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		f := setup(t, db, cheap)
		v := foreignHashes()[0]
		former := f.moved(t, "tanaka", v.hash)
		hash, err := f.HashPassword(t.Context(), "a wholly different one", OwnerOf(former))
		if err != nil {
			t.Fatal(err)
		}
		f.inTx(t, func(tx *store.Tx) error { return f.SetPassword(t.Context(), tx, former.ID, hash) })
		if got := f.upgrade(t.Context(), former, v.password); got.PasswordHash != former.PasswordHash {
			t.Error("an upgrade is reported that did not happen")
		}
		if after, err := f.ByID(t.Context(), former.ID); err != nil || after.PasswordHash != string(hash) {
			t.Errorf("hash %.30s, %v, want that of the new password", after.PasswordHash, err)
		}
	})
}

// what bcrypt cut off elsewhere counts from the first sign-in on.
func TestBcryptStopsCuttingWithTheUpgrade(t *testing.T) {
	f := setup(t, storetest.SQLite(t), cheap)
	// Made by bcrypt 4.0.1 of 80 times "a", of which it takes 72.
	f.moved(t, "tanaka", "$2b$05$CCCCCCCCCCCCCCCCCCCCC.ODcEJfYFxKziEakDsjep8mcF3zSCvHq")
	long := strings.Repeat("a", 72)
	verify := func(password string) error {
		_, err := f.Verify(t.Context(), KindStore, "tanaka", password)
		return err
	}
	if err := verify(long[1:]); !errors.Is(err, ErrBadCredentials) {
		t.Errorf("a shorter one: %v", err)
	}
	if err := verify(long + "what follows"); err != nil {
		t.Fatalf("bcrypt looks at more than 72 bytes: %v", err)
	}
	if err := verify(long + "something else"); !errors.Is(err, ErrBadCredentials) {
		t.Errorf("after the upgrade, another that is the same in 72 bytes: %v", err)
	}
	if err := verify(long + "what follows"); err != nil {
		t.Error(err)
	}
}
