package main

import "slices"

var (
	accountColumns      = []string{"id", "kind", "login_id", "name", "role", "two_factor", "disabled_at"}
	customerColumns     = []string{"id", "code", "name"}
	groupColumns        = []string{"id", "customer_id", "name"}
	holdingColumns      = []string{"login_id", "user_group", "two_factor", "factors", "backup_codes_left", "trusted_devices", "reset_id", "ticket"}
	roleColumns         = []string{"id", "name", "rights", "holders"}
	mfaColumns          = []string{"two_factor", "enforced", "backup_codes_left", "trusted_devices"}
	askedColumns        = []string{"id", "act", "account_id", "surface", "state", "asked_by", "created_at", "expires_at"}
	resealColumns       = []string{"state", "part", "parts", "resealed", "unreadable", "finished_at"}
	resetColumns        = []string{"set_up", "removed", "left", "notices", "reset_id", "ticket"}
	surfaceColumns      = []string{"surface", "enforced", "unset", "reenrol"}
	policyColumns       = []string{"surface", "methods", "level", "trust_days"}
	rolloutColumns      = []string{"surface", "enforced", "grace_days", "announced_for", "stopped", "seen", "never"}
	clientColumns       = []string{"client_id", "client_name", "surface", "token_endpoint_auth_method", "former_secret_until", "disabled_at"}
	clientChangeColumns = append(slices.Clone(clientColumns), "client_secret")
	tokenColumns        = []string{"id", "label", "state", "uses", "max_uses", "expires_at"}
	provisionColumns    = []string{"client_id", "customer_id", "user_group_id"}
	importColumns       = []string{"id", "state", "file_name", "total", "done", "created", "updated", "unchanged", "refused", "problem"}
)

func accountVerbs() []verb {
	return []verb{
		{"list", "List store accounts", "listAccounts", accountColumns},
		{"operators", "List operators", "listOperators", accountColumns},
		{"get", "Show an account", "getAccount", accountColumns},
		{"update", "Change an account's name, address and role", "updateAccount", accountColumns},
		{"move", "Move an account to another user group", "moveAccount", accountColumns},
		{"disable", "Disable an account, which ends everything it holds", "disableAccount", accountColumns},
		{"enable", "Enable an account again", "enableAccount", accountColumns},
		{"delete", "Delete an account for good", "deleteAccount", nil},
		{"set-password", "Give an account a new password", "setPassword", nil},
		{"send-reset", "Send the mail to reset the password", "sendPasswordReset", nil},
		{"apps", "List the applications of others that an account allows something", "listConsents", []string{"client_id", "name", "scopes", "granted_at"}},
		{"revoke-app", "Take back what an account allows an application", "revokeConsent", nil},
		{"end-sessions", "Sign an account out everywhere", "endSessions", nil},
		{"unmask", "Show one address whole, which is written down", "unmaskAddress", []string{"address"}},
		{"import-status", "Show how far an import on a server is", "getImport", importColumns},
		{"import-start", "Start an import on a server that was checked", "startImport", importColumns},
		{"import-findings", "List what is to be said of the rows of an import on a server", "listFindings", []string{"line", "column", "value", "refused", "reason", "detail"}},
	}
}

func operatorVerbs() []verb {
	return []verb{
		{"list", "List operators", "listOperators", accountColumns},
		{"create", "Create an operator", "createOperator", accountColumns},
		{"acts", "List how often operators did what", "listOperatorActs", []string{"operator", "type", "result", "day", "week", "month"}},
	}
}

func roleVerbs() []verb {
	return []verb{
		{"list", "List the roles of operators", "listRoles", roleColumns},
		{"get", "Show a role", "getRole", roleColumns},
		{"create", "Create a role", "createRole", roleColumns},
		{"update", "Change what a role is called and may do", "updateRole", roleColumns},
		{"delete", "Delete a role that nobody has", "deleteRole", nil},
	}
}

func customerVerbs() []verb {
	return []verb{
		{"list", "List customers", "listCustomers", customerColumns},
		{"get", "Show a customer", "getCustomer", customerColumns},
		{"create", "Create a customer", "createCustomer", customerColumns},
		{"update", "Change a customer's code and name", "updateCustomer", customerColumns},
		{"delete", "Delete a customer without user groups", "deleteCustomer", nil},
		{"groups", "List the user groups of a customer", "listUserGroups", groupColumns},
		{"get-group", "Show a user group", "getUserGroup", groupColumns},
		{"create-group", "Create a user group", "createUserGroup", groupColumns},
		{"update-group", "Change a user group's name", "updateUserGroup", groupColumns},
		{"delete-group", "Delete a user group without accounts", "deleteUserGroup", nil},
		{"create-account", "Create a store account in a user group", "createAccount", accountColumns},
		{"holdings", "List what every account of a customer has set up", "listHoldings", holdingColumns},
		{"reset", "Take every account of a customer back to where nothing is set up", "resetCustomer", holdingColumns},
		{"reset-report", "Show what became of the accounts that were reset", "getCustomerReset", holdingColumns},
		{"preview-switch", "Show what setting the switches of a customer's accounts would do", "previewSwitches", []string{"login_id", "two_factor", "changes", "resets"}},
		{"switch", "Set the switches of a customer's accounts", "setSwitches", []string{"changed", "left"}},
	}
}

func mfaVerbs() []verb {
	return []verb{
		{"status", "Show where an account's second factor stands", "getTwoFactor", mfaColumns},
		{"switch", "Set whether an account uses two-factor authentication", "setTwoFactor", mfaColumns},
		{"plan", "Show what a reset of an account would do", "planReset", []string{"removed", "left", "backup_codes", "devices", "sessions", "notices", "ticket"}},
		{"reset", "Take an account back to where nothing is set up", "resetFactors", resetColumns},
		{"reset-one", "Take one factor of an account away", "resetFactor", resetColumns},
		{"reset-report", "Show what a reset did and what became of its notices", "getReset", []string{"at", "by", "removed", "left", "backup_codes", "devices", "sessions", "notices"}},
		{"ticket", "Issue the ticket that is needed to set a factor up after a reset", "issueTicket", []string{"handover", "code", "expires_at"}},
		{"devices", "List the trusted devices of an account", "listDevices", []string{"id", "name", "last_used_at", "expires_at"}},
		{"remove-device", "Make one browser be asked for a code again", "removeDevice", nil},
		{"remove-devices", "Make every browser of an account be asked for a code again", "removeDevices", nil},
		{"exemptions", "List the exemptions that are live", "listExemptions", []string{"account_id", "login_id", "until", "granted_by", "reason"}},
		{"exempt", "Exempt an account from the second factor for some hours", "grantExemption", []string{"until"}},
		{"end-exemption", "End an exemption before its time", "endExemption", nil},
		{"pass", "Issue a sign-in code that takes the place of the second factor once", "issuePass", []string{"code", "expires_at"}},
		{"withdraw-pass", "Withdraw a sign-in code", "withdrawPass", nil},
		{"freezes", "List the accounts whose security settings are frozen", "listFreezes", []string{"account_id", "login_id", "at", "until", "by"}},
		{"lift-freeze", "Allow changes of an account's security settings again", "liftFreeze", nil},
		{"approvals", "List requests for a second operator, newest first", "listApprovals", askedColumns},
		{"approval", "Show a request for a second operator", "getApproval", askedColumns},
		{"ask", "Ask for a second operator's approval", "askApproval", askedColumns},
		{"guard", "Set whether opening an account takes a second operator", "setAccountApproval", []string{"approval", "updated_at"}},
		{"guard-all", "Set whether opening any account of a surface takes a second operator", "setSurfaceApproval", []string{"surface", "approval"}},
		{"surfaces", "Show what surfaces enforce", "listSurfaces", surfaceColumns},
		{"surface", "Show what a surface enforces", "getEnforcement", surfaceColumns},
		{"enforce", "Set whether a surface demands a second factor, and who may set one up after a reset", "setEnforcement", surfaceColumns},
		{"policy", "Show what a surface accepts", "getPolicy", policyColumns},
		{"preview-policy", "Show what a change of what a surface accepts would do", "previewPolicy", []string{"stopped", "before", "after"}},
		{"set-policy", "Set what a surface accepts", "setPolicy", policyColumns},
		{"rollout", "Show how far a surface is on its way to enforcement", "getRollout", rolloutColumns},
		{"concerned", "List the accounts that enforcement would stop", "listConcerned", []string{"login_id", "customer", "user_group", "main_method", "last_sign_in_at", "grace_until"}},
		{"export-concerned", "Write the accounts that enforcement would stop as CSV", "exportConcerned", nil},
		{"grace", "Set for how many days accounts may put the set-up off", "setGrace", rolloutColumns},
		{"announce", "Announce that a surface will be enforced", "announceEnforcement", rolloutColumns},
		{"withdraw-announcement", "Withdraw an announcement", "withdrawAnnouncement", nil},
	}
}

func auditVerbs() []verb {
	return []verb{
		{"list", "List audit events, newest first", "listAuditEvents", []string{"at", "type", "result", "actor_name", "target", "reason"}},
		{"deliveries", "List messages and what became of them", "listDeliveries", []string{"id", "created_at", "kind", "to", "state", "attempts"}},
		{"delivery", "Show a message and everything that was heard of it", "getDelivery", []string{"created_at", "kind", "to", "state", "attempts", "reports"}},
	}
}

func clientVerbs() []verb {
	return []verb{
		{"get", "Show an application", "getClient", clientColumns},
		{"update", "Change an application; what is left out stays", "updateClient", clientChangeColumns},
		{"disable", "Disable an application, which voids everything it holds", "disableClient", clientColumns},
		{"enable", "Enable an application again", "enableClient", clientColumns},
		{"delete", "Delete an application for good, which voids everything it holds", "deleteClient", nil},
		{"rotate-secret", "Give an application a new secret and print it, once", "rotateClientSecret", []string{"client_secret", "former_secret_until"}},
		{"remove-logo", "Take the logo of an application away", "removeClientLogo", clientColumns},
		{"end-former-secret", "End the former secret of an application", "endFormerSecret", clientColumns},
		{"tokens", "List initial access tokens, which let applications register themselves", "listRegistrationTokens", tokenColumns},
		{"create-token", "Make an initial access token and print it, once", "createRegistrationToken", []string{"id", "token", "expires_at"}},
		{"revoke-token", "Take an initial access token back", "revokeRegistrationToken", nil},
		{"streams", "List the streams of security events of an application", "listStreams", []string{"stream_id", "method", "status", "waiting", "sent", "failed", "last_failure"}},
		{"pause-stream", "Pause a stream of security events; its receiver cannot undo that", "pauseStream", nil},
		{"resume-stream", "Let a stream of security events go on", "resumeStream", nil},
		{"delete-stream", "Delete a stream of security events", "deleteStream", nil},
		{"provisioning", "Show whose accounts an application provisions (SCIM)", "getProvisioning", provisionColumns},
		{"provision", "Let an application provision the accounts of a user group's customer", "setProvisioning", provisionColumns},
		{"unprovision", "Stop an application from provisioning", "removeProvisioning", nil},
	}
}

func keyVerbs() []verb {
	return []verb{
		{"list", "List signing keys", "listSigningKeys", []string{"kid", "alg", "state", "signs_from", "published_until"}},
		{"rotate", "Let the next signing keys take over", "rotateSigningKeys", []string{"kid", "alg", "former", "signs_from"}},
		{"revoke", "Take a signing key back at once, if it may have leaked", "revokeSigningKey", []string{"kid", "alg", "revoked_at", "successor"}},
		{"reseal", "Put new keys under everything that is sealed, wrapped by the present master key", "startReseal", resealColumns},
		{"reseal-status", "Show how far the new keys have got, and whether former master keys are needed still", "getReseal", resealColumns},
	}
}
