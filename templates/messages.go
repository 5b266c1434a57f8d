package templates

// Sentences that handlers choose, mostly for Errors of a view; see Set.T.
const (
	MsgLoginFailed        = "login.failed"
	MsgLoginUsernameBlank = "login.username_blank"
	MsgLoginPasswordBlank = "login.password_blank"
	MsgPaused             = "error.paused"

	MsgReauthenticate = "login.again"   // LoginView.Notice: a fresh sign-in is asked for
	MsgStepUp         = "login.step_up" // LoginView.Notice: the application asks for more proof

	MsgDeviceBlank = "device.code_blank"
	MsgDeviceWrong = "device.code_wrong"

	AppDevice    = "app.device"        // the name of the page that lets a device in, as a destination
	AppConsole   = "app.console"       // the name of the operators' console as a destination
	AppSecurity  = "app.security"      // the name of the self-service page as a destination
	AuditUntil   = "admin.audit.until" // {time}; until when what an event is about lasts
	ActorUnknown = "audit.anonymous"   // AuditRow.Actor of somebody who was not signed in

	MsgMethodBlank       = "error.method_blank"
	MsgMethodUnavailable = "error.method_unavailable"
	ReasonNotOffered     = "reason.not_offered" // MethodChoice.Reason: the provider does not offer the method
	MsgEmailBlank        = "error.email_blank"
	MsgEmailForm         = "error.email_form"
	MsgEmailLong         = "error.email_long"
	MsgCodeBlank         = "error.code_blank"
	MsgCodeForm          = "error.code_form"
	MsgCodeWrong         = "error.code_wrong"
	MsgCodeNearLimit     = "error.code_near_limit"
	MsgPhoneBlank        = "error.phone_blank"
	MsgPhoneForm         = "error.phone_form"
	MsgPhoneCountry      = "error.phone_country"
	MsgPhoneNotMobile    = "error.phone_not_mobile"
	MsgPhoneEdited       = "error.phone_edited"
	MsgNameForm          = "error.name_form"
	MsgPasskeyNameBlank  = "error.passkey_name_blank"
	MsgPasskeyNameLong   = "error.passkey_name_long"
	MsgPasskeyFailed     = "passkey.failed"
	MsgPasskeyNotMade    = "passkey.create_failed"
	MsgPasskeysEnough    = "passkey.enough"
	MsgAppExpired        = "error.app_expired" // the key of an app that is being set up is void; a new one is needed
	MsgCodeTries         = "error.code_tries"  // this code takes no further tries; a new one is needed
	MsgSendFirst         = "error.send_first"
	MsgAddressEdited     = "error.address_edited"
	MsgResendWait        = "error.resend_wait" // {seconds}
	MsgSendLimit         = "error.send_limit"
	MsgSendFailed        = "error.send_failed"
	MsgBackupBlank       = "error.backup_blank"
	MsgBackupWrong       = "error.backup_wrong"
	MsgTicketBlank       = "error.ticket_blank"
	MsgTicketForm        = "error.ticket_form"
	MsgTicketWrong       = "error.ticket_wrong"
	MsgSavedBlank        = "error.saved_blank"

	MsgNameBlank         = "error.name_blank"
	MsgNameLong          = "error.name_long" // {max}
	MsgCustomerName      = "error.customer_name_blank"
	MsgCustomerCode      = "error.customer_code_blank"
	MsgCustomerCodeForm  = "error.customer_code_form"
	MsgCustomerCodeTaken = "error.customer_code_taken"
	MsgGroupName         = "error.group_name_blank"
	MsgGroupNameTaken    = "error.group_name_taken"
	MsgLoginIDBlank      = "error.login_id_blank"
	MsgLoginIDForm       = "error.login_id_form"
	MsgLoginIDTaken      = "error.login_id_taken"
	MsgRoleBlank         = "error.role_blank"
	MsgPasswordBlank     = "error.password_blank"
	MsgPasswordShort     = "error.password_short" // {min}
	MsgPasswordLong      = "error.password_long"  // {max}
	MsgUseBlank          = "error.use_blank"
	MsgTypedWrong        = "error.typed_wrong"
	MsgNotEmpty          = "error.not_empty"
	MsgGroupBlank        = "error.group_blank"
	MsgCodeUnknown       = "error.code_unknown"
	MsgLastAdmin         = "error.last_admin"
	MsgScopeBlank        = "error.scope_blank"
	MsgPickBlank         = "error.pick_blank"
	MsgOffForbidden      = "error.off_forbidden"
	MsgKeyTypedWrong     = "error.key_typed_wrong"
	MsgKeysNotReady      = "admin.keys.not_ready"
	MsgResealUnderWay    = "error.reseal_under_way"
	MsgReasonBlank       = "error.reason_blank"
	MsgReasonLong        = "error.reason_long" // {max}
	MsgIdentityBlank     = "error.identity_blank"
	MsgInquiryLong       = "error.inquiry_long" // {max}
	MsgNoteLong          = "error.note_long"    // {max}
	MsgHandoverBlank     = "error.handover_blank"
	MsgTicketNoAddress   = "error.ticket_no_address"
	MsgTicketMoved       = "error.ticket_moved"
	MsgTicketTooMany     = "error.ticket_too_many"
	EachRegistered       = "admin.reset_all.each_address" // ResetMore.Mail for many accounts
	MsgSettingBlank      = "error.setting_blank"
	MsgEditedElsewhere   = "error.edited_elsewhere"
	MsgNoRight           = "error.no_right"
	MsgOwnAccount        = "error.own_account" // an operator may not do this to their own account
	MsgGraceForm         = "error.grace_form"
	MsgAnnounceDate      = "error.announce_date"
	MsgDateForm          = "error.date_form"
	MsgFormTooLarge      = "error.form_too_large"
	MsgFormUnreadable    = "error.form_unreadable"
	MsgLastFactor        = "error.last_factor" // the last method cannot be removed: two factors are required
	MsgOrderStale        = "error.order_stale" // the methods are others than when the page was shown
	MsgPressAgain        = "admin.press_again" // the proof was renewed; the form is filled in but not sent yet

	MsgPasswordSimple  = "error.password_simple"
	MsgPasswordCommon  = "error.password_common"
	MsgPasswordContext = "error.password_context"
	MsgMethodsBlank    = "error.methods_blank"
	MsgMethodsWeak     = "error.methods_weak"    // none of the methods reaches the level demanded
	MsgMethodsMissing  = "error.methods_missing" // the installation has none of the methods
	MsgLevelBlank      = "error.level_blank"
	MsgDaysForm        = "error.days_form"
	MsgLockout         = "error.lockout" // the operator could not take the change back

	MsgApprovalNeeded = "error.approval_needed" // what was sent takes another operator's approval
	MsgApprovalAlone  = "error.approval_alone"  // a change of address that takes one was sent with other changes
	MsgApprovalVoid   = "error.approval_void"
	MsgNoApproval     = "error.no_approval"
	MsgNotPartner     = "error.not_partner"

	MsgHoursBlank        = "error.hours_blank"
	MsgMinutesBlank      = "error.minutes_blank"
	MsgSpareReasonBlank  = "error.spare_reason_blank"
	MsgExempt            = "error.exempt"
	MsgNotDemanded       = "error.not_demanded"
	MsgPassForm          = "error.pass_form"
	MsgPassWrong         = "error.pass_wrong"
	MsgPassSpent         = "error.pass_spent"
	MsgPasswordSame      = "error.password_same"
	MsgCurrentBlank      = "error.current_blank"
	MsgCurrentWrong      = "error.current_wrong"
	MsgPasswordPaused    = "error.password_paused" // too many wrong passwords; the next try has to wait
	MsgResetMailDisabled = "error.reset_mail_disabled"
	MsgResetMailAddress  = "error.reset_mail_address"
	MsgResetMailMoved    = "error.reset_mail_moved"
	MsgResetMailLimit    = "error.reset_mail_limit"

	MsgFrozen        = "error.frozen"       // changes of the security settings are stopped for a while
	MsgFrozenAdmin   = "error.frozen_admin" // the same, said to staff
	MsgRate          = "error.rate"         // {time}
	MsgRoleNameBlank = "error.role_name_blank"
	MsgRoleNameTaken = "error.role_name_taken"
	MsgRightsBlank   = "error.rights_blank"
	MsgRolesEnough   = "error.roles_enough"
	MsgRoleInUse     = "error.role_in_use" // operators still have the role

	MsgClientIDForm      = "error.client_id_form"
	MsgClientIDTaken     = "error.client_id_taken"
	MsgClientName        = "error.client_name_blank"
	MsgClientSurface     = "error.client_surface"
	MsgClientAuth        = "error.client_auth"
	MsgClientAlg         = "error.client_alg"
	MsgClientGrants      = "error.client_grants"
	MsgClientRefresh     = "error.client_refresh"     // refresh_token without authorization_code
	MsgClientPublic      = "error.client_public"      // client_credentials without a secret
	MsgClientExchange    = "error.client_exchange"    // token exchange by a public client
	MsgClientScope       = "error.client_scope"       // {scope}
	MsgClientScopesMany  = "error.client_scopes_many" // {max}
	MsgClientRedirects   = "error.client_redirects"
	MsgClientURI         = "error.client_uri"        // {n} the line, {uri}
	MsgClientURIScheme   = "error.client_uri_scheme" // {n} the line, {uri}; a private-use scheme beside a secret
	MsgClientURIsMany    = "error.client_uris_many"  // {max}
	MsgClientBackchannel = "error.client_backchannel"
	MsgTokenLabel        = "error.token_label"
	MsgTokenLabelLong    = "error.token_label_long"
	MsgTokenDays         = "error.token_days"
	MsgTokenUses         = "error.token_uses"
	MsgClientOverlap     = "error.client_overlap"
	MsgClientNoSecret    = "error.client_no_secret"
	MsgClientSCIM        = "error.client_scim"
	MsgClientTyped       = "error.client_typed"
	MsgDecide            = "error.decide"
	MsgLastManager       = "error.last_manager" // nobody who can sign in could manage roles any more
)

// Banners a redirect may leave behind; the cookie carries only the key. See Set.Flash.
const (
	FlashEmailSet        = "flash.email_set"
	FlashEmailChanged    = "flash.email_changed"
	FlashPasskeySet      = "flash.passkey_set"
	FlashPasskeyRenamed  = "flash.passkey_renamed"
	FlashPasskeyRemoved  = "flash.passkey_removed"
	FlashPasskeyFailed   = "flash.passkey_failed"
	FlashSMSSet          = "flash.sms_set"
	FlashSMSChanged      = "flash.sms_changed"
	FlashAppSet          = "flash.app_set"
	FlashAppReplaced     = "flash.app_replaced"
	FlashCodesReissued   = "flash.codes_reissued"
	FlashDeviceRemoved   = "flash.device_removed"
	FlashDevicesRemoved  = "flash.devices_removed"
	FlashAppRevoked      = "flash.app_revoked"
	FlashSessionEnded    = "flash.session_ended"
	FlashSessionsEnded   = "flash.sessions_ended"
	FlashSaved           = "flash.saved"
	FlashCreated         = "flash.created"
	FlashUnchanged       = "flash.unchanged"
	FlashTurnedOn        = "flash.turned_on"
	FlashTurnedOff       = "flash.turned_off"
	FlashSettingsSaved   = "flash.settings_saved"
	FlashPasswordSet     = "flash.password_set"
	FlashAccountDisabled = "flash.account_disabled"
	FlashAccountEnabled  = "flash.account_enabled"
	FlashOrderChanged    = "flash.order_changed"
	FlashFactorRemoved   = "flash.factor_removed"

	FlashAccountDeviceRemoved  = "flash.account_device_removed"
	FlashAccountDevicesRemoved = "flash.account_devices_removed"
	FlashAccountAppRevoked     = "flash.account_app_revoked"
	FlashAccountSessionsEnded  = "flash.account_sessions_ended"

	FlashExempted       = "flash.exempted"
	FlashExemptionEnded = "flash.exemption_ended"
	FlashPassWithdrawn  = "flash.pass_withdrawn"

	FlashPasswordChanged = "flash.password_changed"
	FlashResetMailSent   = "flash.reset_mail_sent"
	FlashTicketIssued    = "flash.ticket_issued"

	FlashDeleted   = "flash.deleted"
	FlashMoved     = "flash.moved"
	FlashAnnounced = "flash.announced"
	FlashWithdrawn = "flash.withdrawn"
	FlashLifted    = "flash.lifted"

	FlashApprovalAsked    = "flash.approval_asked"
	FlashApproved         = "flash.approved"
	FlashRefused          = "flash.refused"
	FlashRequestWithdrawn = "flash.request_withdrawn"
	FlashGuardOn          = "flash.guard_on"
	FlashApprovalUsed     = "flash.approval_used"

	FlashKeysRotated   = "flash.keys_rotated"
	FlashKeyRevoked    = "flash.key_revoked"
	FlashResealStarted = "flash.reseal_started"

	FlashRoleDeleted    = "flash.role_deleted"
	FlashClientDisabled = "flash.client_disabled"
	FlashClientEnabled  = "flash.client_enabled"
	FlashTokenRevoked   = "flash.token_revoked"
	FlashFormerEnded    = "flash.former_ended"
	FlashFreezeLifted   = "flash.freeze_lifted"
)

// flashTones is the allow-list of banners with their tones.
func flashTones() map[string]string {
	return map[string]string{
		FlashEmailSet:        "ok",
		FlashEmailChanged:    "ok",
		FlashPasskeySet:      "ok",
		FlashPasskeyRenamed:  "ok",
		FlashPasskeyRemoved:  "ok",
		FlashPasskeyFailed:   "danger",
		FlashSMSSet:          "ok",
		FlashSMSChanged:      "ok",
		FlashAppSet:          "ok",
		FlashAppReplaced:     "ok",
		FlashCodesReissued:   "ok",
		FlashDeviceRemoved:   "ok",
		FlashDevicesRemoved:  "ok",
		FlashAppRevoked:      "ok",
		FlashSessionEnded:    "ok",
		FlashSessionsEnded:   "ok",
		FlashDeleted:         "ok",
		FlashMoved:           "ok",
		FlashAnnounced:       "ok",
		FlashWithdrawn:       "ok",
		FlashLifted:          "ok",
		FlashSaved:           "ok",
		FlashCreated:         "ok",
		FlashUnchanged:       "info",
		FlashTurnedOn:        "ok",
		FlashTurnedOff:       "ok",
		FlashSettingsSaved:   "ok",
		FlashPasswordSet:     "ok",
		FlashAccountDisabled: "ok",
		FlashAccountEnabled:  "ok",
		FlashClientDisabled:  "ok",
		FlashClientEnabled:   "ok",
		FlashTokenRevoked:    "ok",
		FlashFormerEnded:     "ok",
		FlashOrderChanged:    "ok",
		FlashFactorRemoved:   "ok",

		FlashAccountDeviceRemoved:  "ok",
		FlashAccountDevicesRemoved: "ok",
		FlashAccountAppRevoked:     "ok",
		FlashAccountSessionsEnded:  "ok",

		FlashExempted:       "ok",
		FlashExemptionEnded: "ok",
		FlashPassWithdrawn:  "ok",

		FlashPasswordChanged: "ok",
		FlashResetMailSent:   "ok",
		FlashTicketIssued:    "ok",

		FlashKeysRotated:   "ok",
		FlashKeyRevoked:    "ok",
		FlashResealStarted: "ok",

		FlashApprovalAsked:    "info",
		FlashApproved:         "ok",
		FlashRefused:          "ok",
		FlashRequestWithdrawn: "ok",
		FlashGuardOn:          "ok",
		FlashApprovalUsed:     "ok",

		FlashRoleDeleted:  "ok",
		FlashFreezeLifted: "ok",
	}
}

// The words of text messages.
const textCode = "sms.code" // {code}, {n}; see Set.CodeText
