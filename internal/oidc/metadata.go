package oidc

import (
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/intelliauth/intelliauth/internal/edge"
	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/token"
)

// cacheControl lets others keep what is public for token.CacheLife.
const cacheControl = "public, max-age=300"

// document is an answer made once.
type document struct {
	body                  []byte
	kind, length, control []string
}

// metadata answers both well-known addresses with the same bytes (OpenID Connect
// Discovery, section 3; RFC 8414, section 2). They depend on the tenant's
// declaration alone, never on the request.
func (e *endpoints) metadata(w http.ResponseWriter, r *http.Request) {
	tenant := edge.TenantOf(r.Context())
	made := documentKey{tenant.Issuer, tenant.Algorithm}
	d, ok := e.documents.Load(made)
	if !ok {
		body, err := json.Marshal(describe(tenant))
		if err != nil {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		d, _ = e.documents.LoadOrStore(made, &document{
			body: body, kind: []string{"application/json"},
			length: []string{strconv.Itoa(len(body))}, control: []string{cacheControl},
		})
	}
	known := d.(*document)
	h := w.Header()
	h["Content-Type"], h["Content-Length"], h["Cache-Control"] = known.kind, known.length, known.control
	_, _ = w.Write(known.body)
}

type documentKey struct{ issuer, algorithm string }

// description is the metadata of an issuer.
type description struct {
	Issuer             string   `json:"issuer"`
	Authorize          string   `json:"authorization_endpoint"`
	Token              string   `json:"token_endpoint"`
	Userinfo           string   `json:"userinfo_endpoint"`
	JWKS               string   `json:"jwks_uri"`
	PAR                string   `json:"pushed_authorization_request_endpoint"`
	Revoke             string   `json:"revocation_endpoint"`
	Introspect         string   `json:"introspection_endpoint"`
	Logout             string   `json:"end_session_endpoint"`
	Scopes             []string `json:"scopes_supported"`
	ResponseTypes      []string `json:"response_types_supported"`
	ResponseModes      []string `json:"response_modes_supported"`
	Grants             []string `json:"grant_types_supported"`
	ACR                []string `json:"acr_values_supported"`
	Subjects           []string `json:"subject_types_supported"`
	IDAlgorithms       []string `json:"id_token_signing_alg_values_supported"`
	TokenAuth          []string `json:"token_endpoint_auth_methods_supported"`
	TokenAuthAlgs      []string `json:"token_endpoint_auth_signing_alg_values_supported"`
	RevokeAuth         []string `json:"revocation_endpoint_auth_methods_supported"`
	RevokeAuthAlgs     []string `json:"revocation_endpoint_auth_signing_alg_values_supported"`
	IntrospectAuth     []string `json:"introspection_endpoint_auth_methods_supported"`
	IntrospectAuthAlgs []string `json:"introspection_endpoint_auth_signing_alg_values_supported"`
	ProofAlgs          []string `json:"dpop_signing_alg_values_supported"`
	Display            []string `json:"display_values_supported"`
	Prompt             []string `json:"prompt_values_supported"`
	ClaimTypes         []string `json:"claim_types_supported"`
	Claims             []string `json:"claims_supported"`
	DetailTypes        []string `json:"authorization_details_types_supported"`
	PKCE               []string `json:"code_challenge_methods_supported"`
	ClaimsParameter    bool     `json:"claims_parameter_supported"`
	RequestParameter   bool     `json:"request_parameter_supported"`
	RequestURI         bool     `json:"request_uri_parameter_supported"` // true if left out; says nothing of PAR
	RequirePAR         bool     `json:"require_pushed_authorization_requests"`
	BackLogout         bool     `json:"backchannel_logout_supported"`
	BackLogoutSession  bool     `json:"backchannel_logout_session_supported"`
	ResponseIssuer     bool     `json:"authorization_response_iss_parameter_supported"`
}

func describe(t identity.Tenant) description {
	alg := t.Algorithm
	if alg == "" {
		alg = "ES256"
	}
	confidential := []string{identity.AuthSecretBasic, identity.AuthSecretPost, identity.AuthPrivateKeyJWT}
	public := append(confidential[:len(confidential):len(confidential)], identity.AuthNone)
	assertions := []string{"ES256", "EdDSA", "PS256", "RS256"}
	return description{
		Issuer:    t.Issuer,
		Authorize: t.Issuer + AuthorizePath, Token: t.Issuer + TokenPath, Userinfo: t.Issuer + UserinfoPath,
		JWKS: t.Issuer + JWKSPath, PAR: t.Issuer + PARPath, Revoke: t.Issuer + RevokePath,
		Introspect: t.Issuer + IntrospectPath, Logout: t.Issuer + LogoutPath,
		Scopes:        []string{identity.ScopeOpenID, scopeProfile, scopeEmail, identity.ScopeOffline, identity.ScopeMe, identity.ScopeMeFactors},
		ResponseTypes: []string{"code"},
		ResponseModes: []string{modeQuery, modeFormPost},
		Grants:        []string{identity.GrantCode, identity.GrantRefresh, identity.GrantClient},
		ACR:           []string{"aal1", "aal2", "aal3", acrResistant, acrHardware},
		Subjects:      []string{"public"},
		IDAlgorithms:  []string{alg},
		TokenAuth:     public, TokenAuthAlgs: assertions,
		RevokeAuth: public, RevokeAuthAlgs: assertions,
		IntrospectAuth: confidential, IntrospectAuthAlgs: assertions,
		ProofAlgs:  token.ProofAlgorithms(),
		Display:    []string{"page", "popup"},
		Prompt:     []string{"none", "login", "consent", "select_account"},
		ClaimTypes: []string{"normal"},
		Claims: []string{
			"iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "at_hash", "sid",
			"name", "locale", "email", "email_verified",
		},
		DetailTypes:     []string{identity.ActionType},
		PKCE:            []string{"S256"},
		ClaimsParameter: true, ResponseIssuer: true, BackLogout: true, BackLogoutSession: true,
	}
}
