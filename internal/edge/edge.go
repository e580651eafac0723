// Package edge answers "what came in?": it stands between the network and the
// rooms that speak to applications and people, and settles once what all of
// them need to know or to refuse.
//
//	front.go      the order of it all; the server and its deadlines
//	visit.go      what is known of a request: id, log, address, tenant
//	tenants.go    whose host it was sent to
//	address.go    which address sent it, past trusted proxies only
//	requestid.go  what it is called in logs and answers
//	cookies.go    what the browser carries: session, binding, device
//	headers.go    what every answer says to the browser; the page policy
//	crosssite.go  which site made the browser send it
//	cors.go       which origins may read the answer
//	body.go       how much, and forms without surprises
//	json.go       JSON without surprises
//	sources.go    how often one address may ask
//	problem.go    errors as RFC 9457 problem details
//	record.go     panics caught, visits logged
//	path.go       where a redirect may lead
//
// It decides nothing about who someone is. What is unknown, ambiguous or
// malformed counts as absent or is refused.
package edge
