package mfa_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/futakagi/futakagi/delivery"
	"github.com/futakagi/futakagi/mfa"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/store/storetest"
	"github.com/futakagi/futakagi/templates"
)

func phone(typed string) mfa.Address {
	return mfa.Address{Method: signin.SMS, Country: "JP", Text: typed}
}

// text takes the text messages out and returns the one code among them.
func (w *world) text(to string) string {
	w.t.Helper()
	code := ""
	for _, m := range w.texts() {
		if m.Kind == delivery.KindCode && m.To == to {
			code = m.Code
		}
	}
	if code == "" {
		w.t.Fatalf("no code for %s", to)
	}
	return code
}

// enrolPhone sets up a number inside a sign-in.
func (w *world) enrolPhone(id store.AccountID, typed, number string) store.Flow {
	w.t.Helper()
	f := w.flow(id)
	if err := w.SendSetUpCode(w.t.Context(), f, phone(typed), templates.Ja); err != nil {
		w.t.Fatal(err)
	}
	secret, err := w.VerifySetUpCode(w.t.Context(), f, phone(typed), w.text(number), templates.Ja)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.next(f, secret)
}

func TestM15_SetUpAPhone(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id := w.account("tanaka", "use")
		f := w.flow(id)
		for typed, want := range map[string]error{
			"": mfa.ErrPhoneBlank, "abc": mfa.ErrPhoneForm, "03-1234-5678": mfa.ErrPhoneNotMobile, "+442071838750": mfa.ErrPhoneCountry,
		} {
			wantErr(t, typed, w.SendSetUpCode(ctx, f, phone(typed), templates.Ja), want)
		}
		if n := len(w.texts()); n != 0 {
			t.Fatalf("%d texts for numbers that are none", n)
		}
		// Typed on a Japanese keyboard, then in another way: the same number.
		if err := w.SendSetUpCode(ctx, f, phone("０９０ー１２３４ー５６７８"), templates.Ja); err != nil {
			t.Fatal(err)
		}
		code := w.text("+819012345678")
		_, err := w.VerifySetUpCode(ctx, f, phone("08012345678"), code, templates.Ja)
		wantErr(t, "M19: edited after sending", err, mfa.ErrAddressChanged)
		_, err = w.VerifySetUpCode(ctx, f, phone("09012345678"), wrong(code), templates.Ja)
		wantErr(t, "wrong code", err, mfa.ErrWrongCode)
		secret, err := w.VerifySetUpCode(ctx, f, phone("+81 90-1234-5678"), code, templates.Ja)
		if err != nil {
			t.Fatal(err)
		}
		proved, err := signin.ParseEvidence(w.next(f, secret).Evidence)
		if err != nil || proved.Level() != signin.Level2FA {
			t.Errorf("evidence %+v, %v", proved, err)
		}
	})
}

// A code by mail and one by SMS of one sign-in do not take each other back, and neither is good for the other.
func TestI5_CodesOfTwoMethodsKeepApart(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id := w.account("sato", "use")
		w.enrol(id, "sato-2fa@example.jp")
		session := w.session(id, signin.Password, signin.Email)
		if err := w.SendChangeCode(ctx, session, phone("09012345678"), templates.Ja); err != nil {
			t.Fatal(err)
		}
		if _, err := w.VerifyChangeCode(ctx, session, phone("09012345678"), w.text("+819012345678"), templates.Ja); err != nil {
			t.Fatal(err)
		}
		w.mails()
		f := w.flow(id)
		c, err := w.Challenge(ctx, f, "")
		if err != nil || c.Method != signin.Email || len(c.Methods) != 2 {
			t.Fatalf("challenge: %+v, %v", c, err)
		}
		for _, m := range []signin.Method{signin.Email, signin.SMS} {
			if err := w.SendSignInCode(ctx, f, m, templates.Ja); err != nil {
				t.Fatal(err)
			}
		}
		mail, text := w.code("sato-2fa@example.jp"), w.text("+819012345678")
		if mail != text {
			_, err = w.VerifySignInCode(ctx, f, signin.SMS, mail, false)
			wantErr(t, "the mail's code as the text's", err, mfa.ErrWrongCode)
		}
		if _, err := w.VerifySignInCode(ctx, f, signin.Email, mail, false); err != nil {
			t.Errorf("the mail's code after a text was sent: %v", err)
		}
	})
}

// Numbers that earn by being sent to come in ranges: a range has a budget of its own, and all of SMS has one.
func TestI26_SMSBudgets(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		w := newWorld(t, db, mfa.Limits{SMSPerPrefixDay: 3, SMSPerDay: 5})
		send := func(n int, typed string) error {
			return w.SendSetUpCode(ctx, w.flow(w.account(fmt.Sprintf("person-%d", n), "use")), phone(typed), templates.Ja)
		}
		for i := range 3 {
			if err := send(i, fmt.Sprintf("0901234567%d", i)); err != nil {
				t.Fatal(err)
			}
		}
		wantErr(t, "the range's fourth", send(3, "09012399999"), mfa.ErrTooManySends)
		for i := range 2 {
			if err := send(10+i, fmt.Sprintf("0809999000%d", i)); err != nil {
				t.Fatalf("another range: %v", err)
			}
		}
		wantErr(t, "the day's sixth", send(20, "07012345678"), mfa.ErrTooManySends)
		if n := len(w.texts()); n != 5 {
			t.Errorf("%d texts left, want 5", n)
		}
		// Mail is not SMS.
		if err := w.SendSetUpCode(ctx, w.flow(w.account("mail", "use")), mfa.EmailTo("mail-2fa@example.jp"), templates.Ja); err != nil {
			t.Errorf("mail: %v", err)
		}
		w.clock.pass(24 * time.Hour)
		if err := send(30, "09012399998"); err != nil {
			t.Errorf("the next day: %v", err)
		}
	})
}

func TestM21_ChangeThePhone(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id := w.account("sato", "use")
		w.enrolPhone(id, "09012345678", "+819012345678")
		session := w.session(id, signin.Password, signin.SMS)
		page, err := w.AddressChange(ctx, session, signin.SMS)
		if err != nil || page.Current != "+819012345678" {
			t.Fatalf("page: %+v, %v", page, err)
		}
		if err := w.SendChangeCode(ctx, session, phone("08011112222"), templates.Ja); err != nil {
			t.Fatal(err)
		}
		w.mails()
		done, err := w.VerifyChangeCode(ctx, session, phone("08011112222"), w.text("+818011112222"), templates.Ja)
		if err != nil || !done.Replaced {
			t.Fatalf("change: %+v, %v", done, err)
		}
		if mails := w.mails(); len(mails) != 1 || mails[0].Kind != delivery.KindAddressChanged || mails[0].To != "sato@example.jp" {
			t.Errorf("notices: %+v", mails)
		}
	})
}

// Without a gateway nobody is offered SMS, and nobody can force it.
func TestSMSNeedsAGateway(t *testing.T) {
	db := storetest.SQLite(t)
	w := newWorld(t, db, mfa.Limits{}, withoutSMS)
	ctx := t.Context()
	f := w.flow(w.account("tanaka", "use"))
	methods, err := w.SetUpMethods(ctx, f)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range methods {
		if m == signin.SMS {
			t.Error("SMS is offered")
		}
	}
	err = w.SendSetUpCode(ctx, f, phone("09012345678"), templates.Ja)
	if !errors.Is(err, mfa.ErrMethod) {
		t.Errorf("send: %v", err)
	}
}
