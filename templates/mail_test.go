package templates

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf16"
)

type mailFixture struct {
	name  string
	build func(*Set, Lang) (Message, error)
}

func mails() []mailFixture {
	notice := NoticeMail{LoginID: "sato", At: "2026-11-22 10:15:08", Kind: KindEmail, Address: "sa•••••@example.jp"}
	of := func(name string, mail func(*Set) Mail[NoticeMail]) mailFixture {
		return mailFixture{name, func(s *Set, l Lang) (Message, error) { return mail(s).Build(l, notice) }}
	}
	return []mailFixture{
		{MessageCode, func(s *Set, l Lang) (Message, error) {
			return s.MailCode.Build(l, CodeMail{Code: "123456", Minutes: 10})
		}},
		of(MessageSetUp, func(s *Set) Mail[NoticeMail] { return s.MailSetUp }),
		of(MessageAddressChanged, func(s *Set) Mail[NoticeMail] { return s.MailAddressChanged }),
		of(MessageReset, func(s *Set) Mail[NoticeMail] { return s.MailReset }),
		of(MessageCodesReissued, func(s *Set) Mail[NoticeMail] { return s.MailCodesReissued }),
		{MessageCodesLow, func(s *Set, l Lang) (Message, error) {
			return s.MailCodesLow.Build(l, NoticeMail{LoginID: "sato", At: "2026-11-22 10:15:08", Left: 3})
		}},
		of(MessageDeviceVoided, func(s *Set) Mail[NoticeMail] { return s.MailDeviceVoided }),
		{MessageExempted, func(s *Set, l Lang) (Message, error) {
			return s.MailExempted.Build(l, NoticeMail{LoginID: "sato", At: "2026-11-22 10:15:08", Until: "2026-11-24 10:15"})
		}},
		{MessagePassIssued, func(s *Set, l Lang) (Message, error) {
			return s.MailPassIssued.Build(l, NoticeMail{LoginID: "sato", At: "2026-11-22 10:15:08", Until: "2026-11-22 10:45"})
		}},
		{MessagePassUsed, func(s *Set, l Lang) (Message, error) {
			return s.MailPassUsed.Build(l, NoticeMail{LoginID: "sato", At: "2026-11-22 10:20:31", Kind: "pass"})
		}},
		of(MessageFactorRemoved, func(s *Set) Mail[NoticeMail] { return s.MailFactorRemoved }),
		of(MessageOrderChanged, func(s *Set) Mail[NoticeMail] { return s.MailOrderChanged }),
		of(MessageFrozen, func(s *Set) Mail[NoticeMail] { return s.MailFrozen }),
		of(MessageFreezeLifted, func(s *Set) Mail[NoticeMail] { return s.MailFreezeLifted }),
		of(MessageAddressRestored, func(s *Set) Mail[NoticeMail] { return s.MailAddressRestored }),
		{MessageRegisteredChanged, func(s *Set, l Lang) (Message, error) {
			return s.MailRegisteredChanged.Build(l, NoticeMail{LoginID: "sato", At: "2026-11-22 10:15:08", Kind: KindEmail})
		}},
		{MessageEnforcement, func(s *Set, l Lang) (Message, error) {
			return s.MailEnforcement.Build(l, NoticeMail{LoginID: "tanaka", Day: "2026-12-01"})
		}},
		{MessagePasswordChanged, func(s *Set, l Lang) (Message, error) {
			return s.MailPasswordChanged.Build(l, NoticeMail{LoginID: "sato", At: "2026-11-22 10:15:08"})
		}},
		{MessageReenrolTicket, func(s *Set, l Lang) (Message, error) {
			return s.MailReenrolTicket.Build(l, TicketMail{LoginID: "sato", Ticket: "1234 5678", Minutes: 30})
		}},
		{MessagePasswordResetLink, func(s *Set, l Lang) (Message, error) { return s.MailPasswordResetLink.Build(l, resetLink()) }},
	}
}

func resetLink() LinkMail {
	return LinkMail{LoginID: "sato", URL: "https://id.example.jp/password/reset?ticket=abc", Minutes: 30}
}

// rawKey is the name of a sentence that reached the mail instead of the sentence.
var rawKey = regexp.MustCompile(`mail\.[a-z]`)

func TestMails(t *testing.T) {
	set := newSet(t)
	for _, m := range mails() {
		for _, lang := range Langs() {
			t.Run(m.name+"/"+string(lang), func(t *testing.T) {
				msg, err := m.build(set, lang)
				if err != nil {
					t.Fatal(err)
				}
				if msg.Subject == "" || strings.ContainsAny(msg.Subject, "\r\n") {
					t.Errorf("subject %q is not one line", msg.Subject)
				}
				for part, body := range map[string]string{"text": msg.Text, "html": msg.HTML} {
					if strings.Contains(body, "<no value>") || rawKey.MatchString(body) {
						t.Errorf("%s has an unfilled place:\n%s", part, body)
					}
					linked := strings.Contains(body, "<a ") && m.name != MessagePasswordResetLink
					if strings.Contains(body, "/signin") || linked || strings.Contains(body, "<img") {
						t.Errorf("%s has a link or a picture:\n%s", part, body)
					}
				}
			})
		}
	}
}

func TestMailCode(t *testing.T) {
	set := newSet(t)
	for lang, want := range map[Lang]string{Ja: "【Futakagi】認証コード 123456", En: "Futakagi: your code is 123456"} {
		msg, err := set.MailCode.Build(lang, CodeMail{Code: "123456", Minutes: 10})
		if err != nil {
			t.Fatal(err)
		}
		if msg.Subject != want {
			t.Errorf("subject = %q, want %q", msg.Subject, want)
		}
		for part, body := range map[string]string{"text": msg.Text, "html": msg.HTML} {
			if strings.Count(body, "123456") != 1 || !strings.Contains(body, "10") {
				t.Errorf("%s lacks the code or its life:\n%s", part, body)
			}
		}
	}
}

// The one link that a mail has goes to the former address alone, whole in both parts.
func TestMailUndoLink(t *testing.T) {
	set := newSet(t)
	const link = "https://id.example.jp/account/undo?ticket=abc"
	for _, lang := range Langs() {
		v := NoticeMail{LoginID: "sato", At: "2026-11-22 10:15:08", Kind: KindEmail, Address: "ne•••••@example.jp", UndoURL: link, Hours: 72}
		msg, err := set.MailAddressChanged.Build(lang, v)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(msg.Text, "\n    "+link+"\n") || !strings.Contains(msg.Text, "72") {
			t.Errorf("text lacks the link on a line of its own, or its life:\n%s", msg.Text)
		}
		if !strings.Contains(msg.HTML, `<a href="`+link+`">`+link+`</a>`) {
			t.Errorf("html lacks the link:\n%s", msg.HTML)
		}
		v.UndoURL = "javascript:alert(1)"
		if msg, err = set.MailAddressChanged.Build(lang, v); err != nil || strings.Contains(msg.HTML, `href="javascript:`) {
			t.Errorf("html has a link that is none (%v):\n%s", err, msg.HTML)
		}
	}
}

// Whoever lost one method only must not read that nothing is set up any more.
func TestMailOfAResetSaysWhatWasReset(t *testing.T) {
	set := newSet(t)
	for kind, want := range map[string]string{"": "次回ログイン時に、認証方式を設定してください。", KindTOTP: "ほかの認証方式は、そのまま使えます。"} {
		msg, err := set.MailReset.Build(Ja, NoticeMail{LoginID: "sato", Kind: kind})
		if err != nil {
			t.Fatal(err)
		}
		for part, body := range map[string]string{"text": msg.Text, "html": msg.HTML} {
			if !strings.Contains(body, want) || strings.Contains(body, "認証アプリ") != (kind != "") {
				t.Errorf("%s about %q:\n%s", part, kind, body)
			}
		}
	}
}

func TestMailEscapes(t *testing.T) {
	set := newSet(t)
	msg, err := set.MailAddressChanged.Build(Ja, NoticeMail{LoginID: "<b>sato</b>", Address: "a@example.jp\r\nBcc: b@example.jp"})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(msg.HTML, "<b>sato") {
		t.Errorf("html is not escaped:\n%s", msg.HTML)
	}
	code, err := set.MailCode.Build(Ja, CodeMail{Code: "1\r\nBcc: b@example.jp"})
	if err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(code.Subject, "\r\n") {
		t.Errorf("subject %q breaks the header", code.Subject)
	}
}

func TestCodeText(t *testing.T) {
	set := newSet(t)
	for lang, want := range map[Lang]string{
		Ja: "認証コード：123456（10分間有効）\n@id.example.co.jp #123456",
		En: "123456 is your code (10 min)\n@id.example.co.jp #123456",
	} {
		if got := set.CodeText(lang, CodeMail{Code: "123456", Minutes: 10}, "id.example.co.jp"); got != want {
			t.Errorf("%s: %q, want %q", lang, got, want)
		}
	}
	// One segment is 70 characters, or 160 where all are of the GSM alphabet.
	for lang, segment := range map[Lang]int{Ja: 70, En: 160} {
		host := strings.Repeat("a", 40-len(".example.co.jp")) + ".example.co.jp"
		got := set.CodeText(lang, CodeMail{Code: "123456", Minutes: 10}, host)
		if n := len(utf16.Encode([]rune(got))); n > segment {
			t.Errorf("%s: %d characters do not fit one segment: %q", lang, n, got)
		}
		if lang == En && strings.ContainsFunc(got, func(r rune) bool { return r > '~' }) {
			t.Errorf("%q leaves the alphabet of the longer segment", got)
		}
	}
}

// The link is whole in both parts, on a line of its own for programs that cut text into lines, and nothing but a link.
func TestMailPasswordResetLink(t *testing.T) {
	set := newSet(t)
	for _, lang := range Langs() {
		for _, byProvider := range []bool{false, true} {
			v := resetLink()
			v.ByProvider = byProvider
			msg, err := set.MailPasswordResetLink.Build(lang, v)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(msg.Text, "\n    "+v.URL+"\n") || !strings.Contains(msg.Text, "30") || !strings.Contains(msg.Text, "sato") {
				t.Errorf("text lacks the link, its life or whose it is:\n%s", msg.Text)
			}
			if strings.Count(msg.HTML, "<a ") != 1 || !strings.Contains(msg.HTML, `<a href="`+v.URL+`">`+v.URL+`</a>`) {
				t.Errorf("html has not the one link:\n%s", msg.HTML)
			}
			other, err := set.MailPasswordResetLink.Build(lang, LinkMail{URL: v.URL, ByProvider: !byProvider})
			if err != nil || other.Text[:120] == msg.Text[:120] {
				t.Errorf("the mail does not say who asked for it (%v):\n%s", err, msg.Text)
			}
			v.URL = "javascript:alert(1)"
			if msg, err = set.MailPasswordResetLink.Build(lang, v); err != nil || strings.Contains(msg.HTML, `href="javascript:`) {
				t.Errorf("html has a link that is none (%v):\n%s", err, msg.HTML)
			}
		}
	}
}
