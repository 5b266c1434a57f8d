package templates

// Set holds every page and mail, parsed. A page is rendered with
//
//	return h.templates.Login.Render(w, http.StatusOK, frame, templates.LoginView{…})
type Set struct {
	Login            Page[LoginView]
	TwoFactor        Page[TwoFactorView]
	Ticket           Page[TicketView]
	EmailSetup       Page[EmailSetupView]
	SMSSetup         Page[SMSSetupView]
	PasskeySetup     Page[PasskeySetupView]
	PasskeyChallenge Page[PasskeyChallengeView]
	Passkeys         Page[PasskeysView]
	PasskeyRemove    Page[PasskeyRemoveView]
	AppSetup         Page[AppSetupView]
	BackupCodes      Page[BackupCodesView]
	BackupRenew      Page[BackupRenewView]
	Challenge        Page[ChallengeView]
	ChallengeMethods Page[ChallengeMethodsView]
	ChallengeBackup  Page[ChallengeBackupView]
	ChallengePass    Page[ChallengePassView]
	Locked           Page[LockedView]
	Device           Page[DeviceView]
	DeviceConfirm    Page[DeviceConfirmView]
	DeviceDone       Page[DeviceDoneView]
	Logout           Page[LogoutView]
	SignedOut        Page[SignedOutView]
	Consent          Page[ConsentView]
	AppRevoke        Page[AppRevokeView]
	Error            Page[ErrorView]
	SessionExpired   Page[SessionExpiredView]
	Security         Page[SecurityView]
	DevicesRemove    Page[DevicesRemoveView]
	FactorOrder      Page[FactorOrderView]
	FactorRemove     Page[FactorRemoveView]
	AddressUndo      Page[AddressUndoView]
	AddressUndone    Page[AddressUndoneView]
	FormPost         Page[FormPostView]

	PasswordChange Page[PasswordChangeView]
	PasswordForgot Page[PasswordForgotView]
	PasswordSent   Page[PasswordSentView]
	PasswordReset  Page[PasswordResetView]
	PasswordVoid   Page[PasswordVoidView]
	PasswordDone   Page[PasswordDoneView]

	Customers               Page[CustomersView]
	Customer                Page[CustomerView]
	Import                  Page[ImportView]
	ImportRun               Page[ImportRunView]
	Remove                  Page[RemoveView]
	Move                    Page[MoveView]
	Search                  Page[SearchView]
	Bulk                    Page[BulkView]
	BulkConfirm             Page[BulkConfirmView]
	BulkResult              Page[BulkResultView]
	CustomerForm            Page[CustomerFormView]
	GroupForm               Page[GroupFormView]
	AccountForm             Page[AccountFormView]
	AccountTwoFactor        Page[AccountTwoFactorView]
	AccountReset            Page[AccountResetView]
	AccountDevices          Page[AccountDevicesView]
	AccountTicket           Page[TicketIssueView]
	ResetDone               Page[ResetDoneView]
	BulkReset               Page[BulkResetView]
	BulkDone                Page[BulkDoneView]
	Approvals               Page[ApprovalsView]
	Approval                Page[ApprovalView]
	ApprovalAsk             Page[ApprovalAskView]
	Exempt                  Page[ExemptView]
	Exemptions              Page[ExemptionsView]
	Pass                    Page[PassView]
	PassIssued              Page[PassIssuedView]
	Settings                Page[SettingsView]
	SettingsConfirm         Page[SettingsConfirmView]
	Rollout                 Page[RolloutView]
	RolloutAnnounce         Page[RolloutAnnounceView]
	RolloutAccounts         Page[RolloutAccountsView]
	Methods                 Page[MethodsView]
	MethodsForm             Page[MethodsFormView]
	MethodsConfirm          Page[MethodsConfirmView]
	Audit                   Page[AuditView]
	Activity                Page[ActivityView]
	Deliveries              Page[DeliveriesView]
	Message                 Page[MessageView]
	Dashboard               Page[DashboardView]
	Operators               Page[OperatorsView]
	Stop                    Page[StopView]
	Stopped                 Page[AddressUndoneView]
	Acts                    Page[ActsView]
	Roles                   Page[RolesView]
	RoleForm                Page[RoleFormView]
	RoleDelete              Page[RoleDeleteView]
	Keys                    Page[KeysView]
	KeyConfirm              Page[KeyConfirmView]
	Clients                 Page[ClientsView]
	ClientKinds             Page[ClientKindsView]
	ClientForm              Page[ClientFormView]
	Client                  Page[ClientView]
	ClientSecret            Page[ClientSecretView]
	ClientLogo              Page[ClientLogoView]
	ClientScim              Page[ClientScimView]
	ClientIssued            Page[ClientIssuedView]
	RegistrationTokens      Page[RegistrationTokensView]
	RegistrationTokenIssued Page[RegistrationTokenIssuedView]
	RegistrationTokenRevoke Page[RegistrationTokenRevokeView]

	ClientSwitch Page[ClientSwitchView]
	ClientDelete Page[ClientDeleteView]
	StreamDelete Page[StreamDeleteView]

	APIReference Page[APIReferenceView]

	MailCode           Mail[CodeMail]   // the verification code
	MailSetUp          Mail[NoticeMail] // a factor was set up
	MailAddressChanged Mail[NoticeMail] // the 2FA address was changed; to the old and the registered address
	MailReset          Mail[NoticeMail] // the settings were reset by the provider
	MailCodesLow       Mail[NoticeMail] // few backup codes are left
	MailCodesReissued  Mail[NoticeMail] // new backup codes replaced the old
	MailDeviceVoided   Mail[NoticeMail] // a trusted device is none any more: its former secret was used

	MailExempted   Mail[NoticeMail] // the account does without a second factor until a time
	MailPassIssued Mail[NoticeMail] // staff made a code that takes the place of a second factor once
	MailPassUsed   Mail[NoticeMail] // somebody signed in with it

	MailFactorRemoved     Mail[NoticeMail] // a factor was removed
	MailOrderChanged      Mail[NoticeMail] // the factors are offered in another order
	MailFrozen            Mail[NoticeMail] // changes of security settings are stopped
	MailFreezeLifted      Mail[NoticeMail] // and allowed again
	MailAddressRestored   Mail[NoticeMail] // a change of the 2FA address was undone
	MailRegisteredChanged Mail[NoticeMail] // the registered address was changed and the 2FA address was not

	MailEnforcement Mail[NoticeMail] // two factors will be required from a day on

	MailPasswordChanged   Mail[NoticeMail] // the password was changed or reset
	MailPasswordResetLink Mail[LinkMail]   // the link to a new password
	MailReenrolTicket     Mail[TicketMail] // a ticket to set up a factor after a reset

	catalogs  map[Lang]catalog
	brand     Brand
	assets    assets
	fallbacks map[Lang][]byte
}
