package templates

// Set holds every page and mail, parsed. A page is rendered with
//
//	return h.templates.Login.Render(w, http.StatusOK, frame, templates.LoginView{…})
type Set struct {
	Login            Page[LoginView]
	TwoFactor        Page[TwoFactorView]
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
	Locked           Page[LockedView]
	Logout           Page[LogoutView]
	SignedOut        Page[SignedOutView]
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

	Customers        Page[CustomersView]
	Customer         Page[CustomerView]
	CustomerForm     Page[CustomerFormView]
	GroupForm        Page[GroupFormView]
	AccountForm      Page[AccountFormView]
	AccountTwoFactor Page[AccountTwoFactorView]
	AccountReset     Page[AccountResetView]
	AccountDevices   Page[AccountDevicesView]
	Settings         Page[SettingsView]
	SettingsConfirm  Page[SettingsConfirmView]
	Methods          Page[MethodsView]
	MethodsForm      Page[MethodsFormView]
	MethodsConfirm   Page[MethodsConfirmView]
	Audit            Page[AuditView]
	Deliveries       Page[DeliveriesView]
	Operators        Page[OperatorsView]

	APIReference Page[APIReferenceView]

	MailCode           Mail[CodeMail]   // the verification code
	MailSetUp          Mail[NoticeMail] // a factor was set up
	MailAddressChanged Mail[NoticeMail] // the 2FA address was changed; to the old and the registered address
	MailReset          Mail[NoticeMail] // the settings were reset by the provider
	MailCodesLow       Mail[NoticeMail] // few backup codes are left
	MailCodesReissued  Mail[NoticeMail] // new backup codes replaced the old
	MailDeviceVoided   Mail[NoticeMail] // a trusted device is none any more: its former secret was used

	MailFactorRemoved     Mail[NoticeMail] // a factor was removed
	MailOrderChanged      Mail[NoticeMail] // the factors are offered in another order
	MailAddressRestored   Mail[NoticeMail] // a change of the 2FA address was undone
	MailRegisteredChanged Mail[NoticeMail] // the registered address was changed and the 2FA address was not

	MailPasswordChanged   Mail[NoticeMail] // the password was changed or reset
	MailPasswordResetLink Mail[LinkMail]   // the link to a new password

	catalogs  map[Lang]catalog
	brand     Brand
	assets    assets
	fallbacks map[Lang][]byte
}
