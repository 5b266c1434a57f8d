package demo

import "github.com/futakagi/futakagi/account"

// Password opens every account of the demo.
const Password = "futakagi-demo"

// The ids of the demo's relying parties.
const (
	StoreClient  = "store"
	MyPageClient = "mypage"
)

// Account is one account of the demo.
type Account struct {
	// LoginID is what is typed at sign-in.
	LoginID string
	// Name is the person's name.
	Name string
	// Kind is store or operator.
	Kind string
	// Role is the role within the kind.
	Role string
	// RegisteredEmail is the address the shop knows, no matter what the second
	// factor uses.
	RegisteredEmail string
	// TwoFactor is the stored switch: use or dont_use.
	TwoFactor string
	// FactorEmail is the verified address of the second factor; empty when
	// nothing is set up. Whoever has one also has ten backup codes.
	FactorEmail string
	// AboutJA and AboutEN say in a few words what the account is good for.
	AboutJA, AboutEN string
}

// The customer that every store account of the demo belongs to.
const (
	CustomerCode = "C-100248"
	CustomerName = "株式会社サンプル商事"
	GroupName    = "本社"
)

// Accounts lists the demo's accounts in the order they are announced.
func Accounts() []Account {
	return []Account{
		{
			LoginID: "tanaka", Name: "田中 一郎", Kind: account.KindStore, Role: "admin",
			RegisteredEmail: "tanaka@example.jp", TwoFactor: account.TwoFactorUse,
			AboutJA: "利用する・未設定", AboutEN: "2FA on, nothing set up yet",
		},
		{
			LoginID: "suzuki", Name: "鈴木 花子", Kind: account.KindStore, Role: "buyer",
			RegisteredEmail: "suzuki@example.jp", TwoFactor: account.TwoFactorDont,
			AboutJA: "利用しない", AboutEN: "2FA off",
		},
		{
			LoginID: "sato", Name: "佐藤 陽子", Kind: account.KindStore, Role: "buyer",
			RegisteredEmail: "sato@example.jp", TwoFactor: account.TwoFactorUse, FactorEmail: "sato-2fa@example.jp",
			AboutJA: "利用する・メール設定済み", AboutEN: "2FA on, email set up",
		},
		{
			LoginID: "operator", Name: "管理者", Kind: account.KindOperator, Role: "administrator",
			RegisteredEmail: "operator@example.jp", TwoFactor: account.TwoFactorDont,
			AboutJA: "管理画面・管理者", AboutEN: "console, administrator",
		},
		{
			LoginID: "support", Name: "サポート担当", Kind: account.KindOperator, Role: "support",
			RegisteredEmail: "support@example.jp", TwoFactor: account.TwoFactorDont,
			AboutJA: "管理画面・サポート担当", AboutEN: "console, support desk",
		},
	}
}
