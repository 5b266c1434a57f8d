package mfa_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/futakagi/futakagi/mfa"
)

func TestNormalizeCode(t *testing.T) {
	for _, tt := range []struct {
		typed, want string
		err         error
	}{
		{"123456", "123456", nil},
		{" 123 456\n", "123456", nil},
		{"123-456", "123456", nil},
		{"１２３　４５６", "123456", nil},
		{"１２３ー４５６", "123456", nil},
		{"12\u200b34\ufeff56", "123456", nil},
		{"12\u201334\u221256", "123456", nil},
		{"", "", mfa.ErrCodeBlank},
		{" \u200b", "", mfa.ErrCodeBlank},
		{"12345", "", mfa.ErrCodeForm},
		{"1234567", "", mfa.ErrCodeForm},
		{"12345a", "", mfa.ErrCodeForm},
		{"१२३४५६", "", mfa.ErrCodeForm}, // digits, but of another script
		{"①②③④⑤⑥", "123456", nil},
		{strings.Repeat("1", 1<<20), "", mfa.ErrCodeForm},
	} {
		got, err := mfa.NormalizeCode(tt.typed)
		if got != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("NormalizeCode(%.40q) = %q, %v; want %q, %v", tt.typed, got, err, tt.want, tt.err)
		}
	}
}

func FuzzNormalizeCode(f *testing.F) {
	for _, s := range []string{"123456", "１２３ ４５６", "12-34-56", "\u200b", "9999999"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		code, err := mfa.NormalizeCode(typed)
		if err != nil {
			if code != "" {
				t.Errorf("code %q with error %v", code, err)
			}
			return
		}
		if len(code) != 6 || strings.Trim(code, "0123456789") != "" {
			t.Errorf("NormalizeCode(%q) = %q", typed, code)
		}
		if again, err := mfa.NormalizeCode(code); again != code || err != nil {
			t.Errorf("not stable: %q, %v", again, err)
		}
	})
}

func FuzzNormalizeBackupCode(f *testing.F) {
	f.Add("23AB-45CD-67EF-89GH")
	f.Add("23ab45cd67ef89gh")
	f.Add("O0I1")
	f.Fuzz(func(t *testing.T, typed string) {
		code, err := mfa.NormalizeBackupCode(typed)
		if err == nil && (len(code) != 16 || strings.Trim(code, "23456789ABCDEFGHJKMNPQRSTVWXYZ") != "") {
			t.Errorf("NormalizeBackupCode(%q) = %q", typed, code)
		}
	})
}

func TestParseEmail(t *testing.T) {
	for _, tt := range []struct {
		typed, want string
		err         error
	}{
		{"tanaka@example.jp", "tanaka@example.jp", nil},
		{"  Tanaka+2fa@Example.JP ", "Tanaka+2fa@example.jp", nil},
		{"ｔａｎａｋａ＠ｅｘａｍｐｌｅ．ｊｐ", "tanaka@example.jp", nil},
		{"o'brien@mail.example.co.jp", "o'brien@mail.example.co.jp", nil},
		{"", "", mfa.ErrEmailBlank},
		{"　", "", mfa.ErrEmailBlank},
		{"tanaka", "", mfa.ErrEmailForm},
		{"tanaka@", "", mfa.ErrEmailForm},
		{"@example.jp", "", mfa.ErrEmailForm},
		{"tanaka@localhost", "", mfa.ErrEmailForm},
		{"tanaka@192.0.2.1", "", mfa.ErrEmailForm},
		{"tanaka@[192.0.2.1]", "", mfa.ErrEmailForm},
		{"tanaka@-example.jp", "", mfa.ErrEmailForm},
		{"tanaka@example..jp", "", mfa.ErrEmailForm},
		{"tanaka@example.jp.", "", mfa.ErrEmailForm},
		{"a@b@example.jp", "", mfa.ErrEmailForm},
		{"tanaka@example.jp, suzuki@example.jp", "", mfa.ErrEmailForm},
		{"田中@example.jp", "", mfa.ErrEmailForm},
		{"tanaka@例え.jp", "", mfa.ErrEmailForm},
		{`"tanaka"@example.jp`, "", mfa.ErrEmailForm},
		{"Tanaka <tanaka@example.jp>", "", mfa.ErrEmailForm},
		{"tanaka@example.jp\r\nBcc: evil@example.com", "", mfa.ErrEmailForm},
		{"tanaka@exam\u202eple.jp", "", mfa.ErrEmailForm},
		{strings.Repeat("a", 65) + "@example.jp", "", mfa.ErrEmailForm},
		{strings.Repeat("a", 250) + "@example.jp", "", mfa.ErrEmailLong},
	} {
		got, err := mfa.ParseEmail(tt.typed)
		if got != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("ParseEmail(%.60q) = %q, %v; want %q, %v", tt.typed, got, err, tt.want, tt.err)
		}
	}
}

func FuzzParseEmail(f *testing.F) {
	for _, s := range []string{"tanaka@example.jp", "a b@example.jp", "a@b@c", "ａ＠ｂ．ｊｐ", "x@y.z\r\nTo: w@v.u"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		a, err := mfa.ParseEmail(typed)
		if err != nil {
			return
		}
		if len(a) > 254 || strings.Count(a, "@") != 1 || strings.ContainsAny(a, " \r\n\t<>,;:\"\\") {
			t.Errorf("ParseEmail(%q) = %q", typed, a)
		}
		if again, err := mfa.ParseEmail(a); again != a || err != nil {
			t.Errorf("not stable: %q, %v", again, err)
		}
	})
}
