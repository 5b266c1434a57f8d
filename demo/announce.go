package demo

import (
	"fmt"
	"io"
	"strings"
)

// Addresses are where the parts of a running demo are reached.
type Addresses struct {
	// Provider is the issuer.
	Provider string
	// Store and MyPage are the sample sites.
	Store, MyPage string
	// Inbox shows the mail and the SMS.
	Inbox string
}

// announce prints what a person needs to begin. codes are the backup codes that
// were made at this start, by login id.
func announce(w io.Writer, a Addresses, codes map[string][]string) error {
	var b strings.Builder
	b.WriteString("\nFutakagi demo\n\n")
	for _, line := range [][3]string{
		{"ストア", "Store", a.Store},
		{"マイページ", "My Page", a.MyPage},
		{"管理画面", "Console", a.Provider + "/admin"},
		{"受信箱", "Inbox", a.Inbox},
		{"プロバイダー", "Provider", a.Provider},
	} {
		b.WriteString("  " + pad(line[0], 14) + pad(line[1], 10) + line[2] + "\n")
	}
	fmt.Fprintf(&b, "\n  アカウント（パスワードはすべて %[1]s） / Accounts (the password of all is %[1]s)\n\n", Password)
	for _, one := range Accounts() {
		b.WriteString("  " + pad(one.LoginID, 10) + pad(one.Name, 16) + pad(one.AboutJA, 28) + one.AboutEN + "\n")
		if one.FactorEmail != "" {
			b.WriteString("  " + pad("", 26) + one.FactorEmail + "\n")
		}
	}
	for _, one := range Accounts() {
		if made := codes[one.LoginID]; len(made) > 0 {
			fmt.Fprintf(&b, "\n  %s のバックアップコード / Backup codes of %s\n\n", one.LoginID, one.LoginID)
			for i := 0; i < len(made); i += 2 {
				b.WriteString("  " + strings.Join(made[i:min(i+2, len(made))], "   ") + "\n")
			}
		}
	}
	b.WriteString("\n  Ctrl-C で終了します / Ctrl-C ends the demo\n\n")
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("print the demo's addresses: %w", err)
	}
	return nil
}

// pad fills s with blanks to a width in terminal columns; Japanese characters
// take two.
func pad(s string, width int) string {
	for _, r := range s {
		width--
		if r >= 0x2E80 {
			width--
		}
	}
	return s + strings.Repeat(" ", max(width, 1))
}
