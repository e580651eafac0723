package web

// Codes of problems. The list is closed and documented in
// docs/guide/errors.md, which a test holds against what the rooms below give.
const (
	codeInvalidRequest  = "invalid_request"
	codeForbidden       = "forbidden"
	codeForeignBrowser  = "foreign_browser"
	codeNotFound        = "not_found"
	codeMethod          = "method_not_allowed"
	codeConflict        = "conflict"
	codeGone            = "gone"
	codeFlowExpired     = "flow_expired"
	codeTooLarge        = "too_large"
	codeMediaType       = "unsupported_media_type"
	codeTooManyRequests = "too_many_requests"
	codeOverloaded      = "overloaded"
	codeInternal        = "internal"

	// Of the Me API.
	codeSignIn            = "sign_in_required"
	codeInvalidToken      = "invalid_token"
	codeSessionRevoked    = "session_revoked"
	codeInsufficientScope = "insufficient_scope"
	codeMFARequired       = "mfa_required"
)
