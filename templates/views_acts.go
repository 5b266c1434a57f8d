package templates

// ActRow counts one kind of act of an operator. The URLs lead to the events in the audit log.
type ActRow struct {
	// Event is the code; its label comes from the catalogue.
	Event   string
	Refused bool

	Day, Week, Month          int
	DayURL, WeekURL, MonthURL string
}

// OperatorActs are the acts of one operator.
type OperatorActs struct {
	ID, LoginID string
	Acts        []ActRow
}

// ActsView is 監査ログ → 担当者ごとの操作.
type ActsView struct {
	AuditURL  string
	Operators []OperatorActs
}
