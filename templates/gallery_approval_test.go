package templates

// approvalFixtures are the screens about a second operator's approval, and what other screens say of it.
func approvalFixtures(text func(key string, args ...any) string, who, operator AccountRef, main *FactorState, more ResetMore) []fixture {
	list := func(s *Set) Page[ApprovalsView] { return s.Approvals }
	page := func(s *Set) Page[ApprovalView] { return s.Approval }
	ask := func(s *Set) Page[ApprovalAskView] { return s.ApprovalAsk }
	waiting := func(f *Frame) { f.Operator.Waiting = 2 }
	plan := &AccountResetView{Who: who, Main: main, BackupLeft: 10, Sessions: 2, Told: []string{"sato@example.jp"}}
	base := ApprovalView{
		ListURL: PathApprovals, Who: who, Act: "reset", Handover: HandoverStaff, Reason: "機種変更のため", Inquiry: "12345", Note: `折り返し済み <b>"`,
		Checks: []string{"callback", "manager"}, By: "support", At: "2026-11-22 10:02", ISO: "2026-11-22T10:02:00+09:00", Until: "2026-11-23 10:02",
		State: "waiting", Plan: plan,
	}
	with := func(change func(*ApprovalView)) ApprovalView {
		v := base
		change(&v)
		return v
	}
	line := func(act, state string) ApprovalLine {
		return ApprovalLine{URL: "/admin/approvals/1", Act: act, State: state, Name: "佐藤 陽子", LoginID: "sato", Customer: "株式会社サンプル商事", By: "support", At: "2026-11-22 10:02", ISO: "2026-11-22T10:02:00+09:00"}
	}
	open := []ApprovalLine{line("reset", "waiting"), line("exempt", "approved"), {URL: "/admin/approvals/3", Act: "unguard_all", Surface: "store", By: "operator", At: "2026-11-22 10:02", ISO: "2026-11-22T10:02:00+09:00", Until: "2026-11-23 10:02", State: "waiting"}}
	single := line("reset", "used")
	single.Method, single.Operator = KindTOTP, true
	return []fixture{
		screen("admin-approvals", list, ApprovalsView{OpenURL: PathApprovals, AllURL: PathApprovals + "?list=all", Rows: open}, console(NavApprovals), waiting),
		screen("admin-approvals-all", list, ApprovalsView{All: true, OpenURL: PathApprovals, AllURL: PathApprovals + "?list=all", Rows: []ApprovalLine{
			single, line("pass", "refused"), line("ticket", "withdrawn"), line("password", "expired"), line("email", "void"), line("switch_off", "used"), line("unguard", "used"),
		}, Pager: Pager{First: PathApprovals, Next: PathApprovals + "?after=1"}}, console(NavApprovals)),
		screen("admin-approvals-empty", list, ApprovalsView{OpenURL: PathApprovals, AllURL: PathApprovals + "?list=all"}, console(NavApprovals)),
		screen("admin-approvals-none", list, ApprovalsView{All: true, OpenURL: PathApprovals, AllURL: PathApprovals + "?list=all"}, console(NavApprovals)),
		screen("admin-approval", page, with(func(v *ApprovalView) { v.ApproveAction, v.RefuseAction = "/a", "/r" }), console(NavApprovals), waiting),
		screen("admin-approval-mine", page, with(func(v *ApprovalView) { v.WithdrawAction = "/w" }), console(NavApprovals), flash(text(FlashApprovalAsked), text(FlashApprovalAsked+".more"))),
		screen("admin-approval-error", page, with(func(v *ApprovalView) {
			v.ApproveAction, v.RefuseAction, v.Typed = "/a", "/r", " "
			v.Errors = map[string]string{"reason": text(MsgSpareReasonBlank), FormError: text(MsgNotPartner)}
		}), console(NavApprovals)),
		screen("admin-approval-approved", page, with(func(v *ApprovalView) {
			v.Act, v.Plan, v.Handover, v.State, v.Decider, v.DecidedAt, v.UseAction, v.WithdrawAction = "exempt", nil, "", "approved", "operator", "2026-11-22 10:05", "/u", "/w"
			v.Hours = 24
		}), console(NavApprovals)),
		screen("admin-approval-password", page, with(func(v *ApprovalView) {
			v.Act, v.Plan, v.Handover, v.State, v.Decider, v.DecidedAt, v.UseAction = "password", nil, "", "approved", "operator", "2026-11-22 10:05", "/u"
			v.Password, v.PasswordMin, v.Errors = true, 8, map[string]string{"password": text(MsgPasswordShort, "min", 8)}
		}), console(NavApprovals)),
		screen("admin-approval-ready", page, with(func(v *ApprovalView) {
			v.Act, v.Plan, v.Handover, v.State, v.Decider, v.DecidedAt, v.Minutes = "pass", nil, "", "approved", "operator", "2026-11-22 10:05", 30
		}), console(NavApprovals), flash(text(FlashApproved), "")),
		screen("admin-approval-refused", page, with(func(v *ApprovalView) {
			v.Act, v.Plan, v.State, v.Decider, v.DecidedAt, v.Decision = "ticket", nil, "refused", "operator", "2026-11-22 10:05", "確認が足りません"
		}), console(NavApprovals), flash(text(FlashRefused), "")),
		screen("admin-approval-used", page, with(func(v *ApprovalView) {
			v.Act, v.Plan, v.Handover, v.Email, v.State, v.Decider, v.DecidedAt, v.UsedAt = "email", nil, "", "new@example.jp", "used", "operator", "2026-11-22 10:05", "2026-11-22 10:09"
		}), console(NavApprovals), flash(text(FlashApprovalUsed), "")),
		screen("admin-approval-void", page, with(func(v *ApprovalView) { v.Act, v.Plan, v.Handover, v.State, v.Who = "email", nil, "", "void", operator }), console(NavApprovals)),
		screen("admin-approval-expired", page, with(func(v *ApprovalView) {
			v.Act, v.Plan, v.Handover, v.State, v.Who, v.Surface = "unguard_all", nil, "", "expired", AccountRef{}, "store"
		}), console(NavApprovals)),
		screen("admin-approval-ask", ask, ApprovalAskView{Action: "/a", BackURL: "/b", Who: who, Act: "reset", Plan: plan, More: more}, console(NavCustomers)),
		screen("admin-approval-ask-error", ask, ApprovalAskView{Action: "/a", BackURL: "/b", Who: operator, Act: "exempt", Hours: []int{2, 24}, More: more, Errors: map[string]string{
			FormError: text(MsgNoApproval), "hours": text(MsgHoursBlank), "reason": text(MsgSpareReasonBlank), "identity": text(MsgIdentityBlank),
		}}, console(NavOperators)),
		screen("admin-approval-ask-pass", ask, ApprovalAskView{Action: "/a", BackURL: "/b", Who: who, Act: "pass", Minutes: []int{15, 30}, Minute: 30, More: more, Errors: map[string]string{"minutes": text(MsgMinutesBlank)}}, console(NavCustomers)),
		screen("admin-approval-ask-email", ask, ApprovalAskView{Action: "/a", BackURL: "/b", Who: who, Act: "email", Address: true, Email: "x", More: more, Errors: map[string]string{"email": text(MsgEmailForm)}}, console(NavCustomers)),
		screen("admin-approval-ask-surface", ask, ApprovalAskView{Action: "/a", BackURL: PathSettings, Surface: "store", Act: "unguard_all", Errors: map[string]string{"reason": text(MsgSpareReasonBlank)}}, console(NavSettings)),

		screen("admin-account-guarded", func(s *Set) Page[AccountFormView] { return s.AccountForm }, AccountFormView{Action: "/admin/accounts/3", BackURL: "/admin/customers/1/groups", Who: who, LoginID: "sato", Name: "佐藤 陽子", Email: "sato@example.jp", Version: "1", Guard: &Guard{On: true, OffURL: "/o", EmailURL: "/e", PasswordURL: "/p"}, Errors: map[string]string{"email": text(MsgApprovalAlone)}}, console(NavCustomers)),
		screen("admin-account-unguarded", func(s *Set) Page[AccountFormView] { return s.AccountForm }, AccountFormView{Action: "/admin/accounts/3", BackURL: "/admin/customers/1/groups", Who: who, LoginID: "sato", Name: "佐藤 陽子", Email: "sato@example.jp", Version: "1", Guard: &Guard{OnAction: "/o"}}, console(NavCustomers), flash(text(FlashRequestWithdrawn), "")),
		screen("admin-account-guarded-all", func(s *Set) Page[AccountFormView] { return s.AccountForm }, AccountFormView{Action: "/admin/accounts/3", BackURL: "/admin/customers/1/groups", Who: who, LoginID: "sato", Name: "佐藤 陽子", Email: "sato@example.jp", Version: "1", Guard: &Guard{All: true, OnAction: "/o"}}, console(NavCustomers), flash(text(FlashGuardOn), "")),
		screen("admin-account-2fa-guarded", func(s *Set) Page[AccountTwoFactorView] { return s.AccountTwoFactor }, AccountTwoFactorView{Action: "/admin/accounts/3/two-factor", BackURL: "/admin/accounts/3", Who: who, Use: true, Main: main, ResetURL: "/admin/accounts/3/two-factor/reset", Version: "1", Guard: &Guard{On: true, SwitchURL: "/s"}, Errors: map[string]string{FormError: text(MsgApprovalNeeded)}}, console(NavCustomers)),
		screen("admin-account-2fa-ticket-ask", func(s *Set) Page[TicketIssueView] { return s.AccountTicket }, TicketIssueView{Action: "/a", BackURL: "/b", Who: who, Needed: true, AskURL: "/ask"}, console(NavCustomers)),
		screen("admin-dashboard-approvals", func(s *Set) Page[DashboardView] { return s.Dashboard }, func() DashboardView {
			v := dashboard()
			v.Waiting, v.Ready, v.ApprovalsURL = 2, 1, PathApprovals
			return v
		}(), console(NavDashboard), waiting),
		screen("admin-settings-guard", func(s *Set) Page[SettingsView] { return s.Settings }, SettingsView{Action: PathSettings, Surfaces: []SurfaceSetting{
			{ID: "admin", Enforced: true, GuardField: "admin.approval"}, {ID: "store", Guarded: true, GuardField: "store.approval", UnguardURL: "/u"},
		}, Errors: map[string]string{"store.approval": text(MsgApprovalNeeded)}}, console(NavSettings)),
		screen("admin-settings-guard-confirm", func(s *Set) Page[SettingsConfirmView] { return s.SettingsConfirm }, SettingsConfirmView{Action: PathSettings + "/confirm", BackURL: PathSettings, Changes: []SurfaceChange{{ID: "admin"}, {ID: "store", GuardAfter: true}}}, console(NavSettings)),
		screen("admin-bulk-confirm-guarded", func(s *Set) Page[BulkConfirmView] { return s.BulkConfirm }, BulkConfirmView{Action: "/b", BackURL: "/c", CustomerURL: "/d", Customer: "株式会社サンプル商事", Total: 2, Changing: 1, LeftOut: 1, Rows: []BulkRow{{Name: "佐藤 陽子", LoginID: "sato", URL: "/a", Use: true, LeftOut: true}}}, console(NavCustomers)),
		screen("admin-customer-reset-guarded", func(s *Set) Page[BulkResetView] { return s.BulkReset }, BulkResetView{Action: "/r", BackURL: "/b", Customer: "株式会社サンプル商事", Accounts: []BulkAccount{{Name: "佐藤 陽子", LoginID: "sato", Group: "本社", URL: "/a", Use: true, Guarded: true}}, More: more, Version: "1"}, console(NavCustomers)),
		screen("admin-customer-reset-asked", func(s *Set) Page[BulkDoneView] { return s.BulkDone }, BulkDoneView{BackURL: "/b", Customer: "株式会社サンプル商事", RefreshURL: "/r", Rows: []BulkResult{{Name: "佐藤 陽子", LoginID: "sato", Group: "本社", AskedURL: "/admin/approvals/1"}}, Asked: 1}, console(NavCustomers)),
	}
}
