package password_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/futakagi/futakagi/password"
	"github.com/futakagi/futakagi/store/storetest"
)

func TestNewChecksItsConfiguration(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	for name, change := range map[string]func(*password.Config){
		"DB":                    func(c *password.Config) { c.DB = nil },
		"Accounts":              func(c *password.Config) { c.Accounts = nil },
		"Outbox":                func(c *password.Config) { c.Outbox = nil },
		"Now":                   func(c *password.Config) { c.Now = nil },
		"Logger":                func(c *password.Config) { c.Logger = nil },
		"issuer":                func(c *password.Config) { c.Issuer = "id.example.jp" },
		"issuer \"ftp":          func(c *password.Config) { c.Issuer = "ftp://id.example.jp" },
		"proofs":                func(c *password.Config) { c.Proofs.Operator = 0 },
		"Poll":                  func(c *password.Config) { c.Poll = -1 },
		"LinkLifetime is 31m":   func(c *password.Config) { c.Limits.LinkLifetime = 31 * time.Minute },
		"LinkLifetime is 59s":   func(c *password.Config) { c.Limits.LinkLifetime = 59 * time.Second },
		"LinksHour is 4":        func(c *password.Config) { c.Limits.LinksHour = 4 },
		"LinksDay is 11":        func(c *password.Config) { c.Limits.LinksDay = 11 },
		"MailboxHour is 11":     func(c *password.Config) { c.Limits.MailboxHour = 11 },
		"NoticesHour is 21":     func(c *password.Config) { c.Limits.NoticesHour = 21 },
		"LoginHour is 11":       func(c *password.Config) { c.Limits.LoginHour = 11 },
		"NetworkHour is -1":     func(c *password.Config) { c.Limits.NetworkHour = -1 },
		"GlobalHour is -1":      func(c *password.Config) { c.Limits.GlobalHour = -1 },
		"LinksDay is -1, must ": func(c *password.Config) { c.Limits.LinksDay = -1 },
	} {
		c := password.Config{DB: w.db, Accounts: w.accounts, Outbox: w.outbox, Issuer: issuer, Now: w.clock.now, Logger: w.logger}
		c.Proofs.Customer, c.Proofs.Operator = time.Hour, time.Hour
		if _, err := password.New(c); err != nil {
			t.Fatalf("a good configuration: %v", err)
		}
		change(&c)
		if _, err := password.New(c); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := password.NewHandler(password.HandlerConfig{Service: w.Service, Templates: w.set}); err == nil {
		t.Error("a handler without Toolkit")
	}
	if err := error(&password.BudgetError{}); !strings.Contains(err.Error(), "too many") || errors.Is(err, password.ErrTicket) {
		t.Errorf("%v", err)
	}
}
