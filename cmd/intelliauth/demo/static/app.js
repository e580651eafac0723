// The demo application. It shows, without a library, what an application has to
// do: authorization code with PKCE, the checks on what comes back, and step-up.
// Tokens live in this module's memory; session storage holds only what has to
// outlive the redirect and is worth nothing to others.

const { issuer, client } = document.documentElement.dataset
const redirectUri = `${location.origin}/callback`
const scope = 'openid profile email'
const kept = 'demo.signin'

let tokens // {idToken, accessToken, id: claims, access: claims}

const $ = id => document.getElementById(id)
const base64url = bytes => btoa(String.fromCharCode(...bytes)).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '')
const random = () => base64url(crypto.getRandomValues(new Uint8Array(32)))
const claimsOf = jwt => JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(jwt.split('.')[1].replace(/-/g, '+').replace(/_/g, '/')), c => c.charCodeAt(0))))

async function discover() {
  const answer = await fetch(`${issuer}/.well-known/openid-configuration`)
  if (!answer.ok) throw new Error(`The issuer answered ${answer.status}.`)
  const metadata = await answer.json()
  if (metadata.issuer !== issuer) throw new Error('The metadata are of another issuer.')
  return metadata
}

// request makes an authorization request, and what its answer is held against.
async function request(wanted, then) {
  const { authorization_endpoint: endpoint } = await discover()
  const verifier = random(), state = random(), nonce = random()
  const challenge = base64url(new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier))))
  const parameters = {
    response_type: 'code', client_id: client, redirect_uri: redirectUri, scope, state, nonce,
    code_challenge: challenge, code_challenge_method: 'S256', ...wanted,
  }
  return { endpoint, parameters, begun: { verifier, state, nonce, maxAge: wanted.max_age, at: Date.now(), ...then } }
}

// begin sends the person to sign in, or to prove more. What is to be done after
// it travels in session storage, never in the address.
async function begin(wanted = {}, then = {}) {
  const { endpoint, parameters, begun } = await request(wanted, then)
  sessionStorage.setItem(kept, JSON.stringify(begun))
  if (!parameters.id_token_hint) {
    location.assign(`${endpoint}?${new URLSearchParams(parameters)}`)
    return
  }
  post(endpoint, parameters)
}

// A token has no place in an address: post it.
function post(endpoint, parameters, target = '') {
  const form = Object.assign(document.createElement('form'), { method: 'post', action: endpoint, target, hidden: true })
  for (const [name, value] of Object.entries(parameters)) form.append(Object.assign(document.createElement('input'), { name, value }))
  document.body.append(form)
  form.submit()
  form.remove()
}

// beside does the same in a window of its own, so that this page stays as it is.
// The window comes back to our own address and hands the answer over by a
// channel that is named by state. Where no window may be opened, the page goes.
async function beside(wanted, then) {
  const name = `demo-${random()}`
  const opened = window.open('about:blank', name, 'popup,width=460,height=720')
  if (!opened) return begin(wanted, then)
  const { endpoint, parameters, begun } = await request({ ...wanted, display: 'popup' }, then)
  const channel = new BroadcastChannel(`demo.${begun.state}`)
  const answered = new Promise(resolve => { channel.onmessage = event => resolve(event.data) })
  post(endpoint, parameters, name)
  const answer = await answered // a window that is closed never answers, and nothing happens
  channel.close()
  await finish(new URLSearchParams(answer), begun)
}

// arrive is the address that answers come to: of this tab, or of the window that
// another page opened.
async function arrive() {
  const { search } = location
  const answer = new URLSearchParams(search)
  history.replaceState(null, '', '/')
  const begun = JSON.parse(sessionStorage.getItem(kept) ?? 'null')
  sessionStorage.removeItem(kept)
  if (!begun && answer.has('state')) {
    new BroadcastChannel(`demo.${answer.get('state')}`).postMessage(search)
    setTimeout(() => { // still here: nobody opened us
      window.close()
      $('signed-out').hidden = false
    }, 100)
    return
  }
  await finish(answer, begun)
}

// finish takes an answer: first who sent it, then what it says.
async function finish(answer, begun) {
  if (!begun || answer.get('state') !== begun.state) throw new Error('This answer belongs to no request of this tab. Sign in again.')
  if (answer.get('iss') !== issuer) throw new Error('This answer came from another issuer.')
  if (answer.has('error')) throw new Error(explain(answer.get('error'), answer.get('error_description')))
  const { token_endpoint: endpoint, userinfo_endpoint: whois } = await discover()
  const reply = await fetch(endpoint, {
    method: 'POST',
    body: new URLSearchParams({ grant_type: 'authorization_code', code: answer.get('code'), redirect_uri: redirectUri, client_id: client, code_verifier: begun.verifier }),
  })
  const body = await reply.json()
  if (!reply.ok) throw new Error(explain(body.error, body.error_description))
  const id = claimsOf(body.id_token)
  check(id, begun)
  tokens = { idToken: body.id_token, accessToken: body.access_token, id, access: claimsOf(body.access_token) }
  tokens.person = await person(whois)
  show()
  if (begun.transfer) await transfer(begun.transfer)
}

// person asks who it is: name and address are not in the ID token, but told to
// whoever holds the access token. An answer about another subject counts for
// nothing (OpenID Connect Core, 5.3.2).
async function person(endpoint) {
  const answer = await fetch(endpoint, { headers: { Authorization: `Bearer ${tokens.accessToken}` } })
  const told = answer.ok ? await answer.json() : {}
  return told.sub === tokens.id.sub ? told : {}
}

// check holds OpenID Connect Core, 3.1.3.7. The token came straight from the
// issuer, so its signature need not be checked here; an API must.
function check(id, begun) {
  const now = Date.now() / 1000
  const audiences = [id.aud].flat()
  const wrong =
    id.iss !== issuer ? 'is of another issuer'
    : !audiences.includes(client) || (audiences.length > 1 && id.azp !== client) ? 'is for another application'
    : id.nonce !== begun.nonce ? 'belongs to another request'
    : begun.subject && id.sub !== begun.subject ? 'is of another person'
    : id.exp <= id.iat ? 'is not valid'
    : begun.maxAge !== undefined && !(id.auth_time >= id.iat - begun.maxAge - (now - begun.at / 1000)) ? 'is of an older sign-in than was asked for'
    : ''
  if (wrong) throw new Error(`The ID token ${wrong}.`)
}

function explain(code, description) {
  if (code === 'access_denied') return 'You cancelled. Nothing has changed.'
  return `Sign-in ended with ${code}${description ? `: ${description}` : ''}`
}

// transfer calls the API. Where the token does not show enough, it steps up and
// asks again, once.
async function transfer(story, way = begin) {
  const steps = story ?? []
  const answer = await fetch('/api/transfer', { method: 'POST', headers: { Authorization: `Bearer ${tokens.accessToken}` } })
  const body = await answer.json()
  if (answer.ok) {
    steps.push({ status: 200, text: `Done: ${body.amount} ${body.currency}, at ${body.acr.toUpperCase()}.` })
    tell(steps)
    return
  }
  const demand = answer.headers.get('WWW-Authenticate') ?? ''
  steps.push({ status: answer.status, text: body.detail ?? body.title, code: demand })
  tell(steps)
  const parameter = name => demand.match(new RegExp(`${name}="([^"]*)"`))?.[1]
  if (parameter('error') !== 'insufficient_user_authentication' || story) return
  steps.push({ status: '→', text: 'So the application asked you to prove it, and tried again.' })
  const wanted = { acr_values: parameter('acr_values'), max_age: parameter('max_age'), id_token_hint: tokens.idToken, reason: 'transfer' }
  await way(wanted, { subject: tokens.id.sub, transfer: steps })
}

function tell(steps) {
  $('story').hidden = false
  $('story').replaceChildren(...steps.map(({ status, text, code }) => {
    const line = document.createElement('li')
    line.className = status === 200 ? 'good' : status === '→' ? '' : 'bad'
    line.append(Object.assign(document.createElement('b'), { textContent: status }), Object.assign(document.createElement('span'), { textContent: text }))
    if (code) line.append(Object.assign(document.createElement('code'), { textContent: code }))
    return line
  }))
}

const meanings = {
  aal1: 'You proved one thing. That opens most doors.',
  aal2: 'You proved two different things: something you know, and something you have.',
  aal3: 'You proved it with a key that cannot leave its hardware.',
}

function show() {
  const { id, access, person } = tokens
  $('signed-in').hidden = $('sign-out').hidden = false
  $('name').textContent = person.name ?? person.email ?? id.sub
  $('level').textContent = (id.acr ?? 'unknown level').toUpperCase()
  $('meaning').textContent = `${person.email ? `You are ${person.email}. ` : ''}${meanings[id.acr] ?? ''}`
  $('set-up').parentElement.hidden = (id.amr ?? []).includes('otp')
  list($('id-claims'), id)
  list($('access-claims'), access)
}

function list(into, claims) {
  const telling = ['acr', 'amr', 'auth_time']
  into.replaceChildren(...Object.entries(claims).flatMap(([name, value]) => {
    const term = Object.assign(document.createElement('dt'), { textContent: name })
    const text = Object.assign(document.createElement('dd'), { textContent: Array.isArray(value) ? value.join(' ') : typeof value === 'object' ? JSON.stringify(value) : value })
    if (['exp', 'iat', 'auth_time', 'nbf', 'updated_at'].includes(name)) {
      text.append(Object.assign(document.createElement('small'), { textContent: new Date(value * 1000).toLocaleString() }))
    }
    if (telling.includes(name)) term.className = text.className = 'telling'
    return [term, text]
  }))
}

async function signOut() {
  const { end_session_endpoint: endpoint } = await discover()
  const parameters = { id_token_hint: tokens.idToken, client_id: client, post_logout_redirect_uri: `${location.origin}/` }
  tokens = undefined
  post(endpoint, parameters)
}

// doing runs what a button starts and says what went wrong with it.
async function doing(work) {
  $('notice').hidden = true
  try {
    await work()
  } catch (error) {
    $('notice').textContent = error.message
    $('notice').hidden = false
    if (!tokens) $('signed-out').hidden = false
  }
}

for (const host of document.querySelectorAll('b.host')) host.textContent = new URL(issuer).host
const on = (id, work) => $(id).addEventListener('click', () => doing(work))
on('sign-in', () => begin())
on('sign-in-aal2', () => begin({ acr_values: 'aal2' }))
on('set-up', () => begin({ acr_values: 'aal2', id_token_hint: tokens.idToken }, { subject: tokens.id.sub }))
on('transfer', () => transfer())
on('transfer-beside', () => transfer(undefined, beside))
on('sign-out', signOut)

if (location.pathname === '/callback') await doing(arrive)
else if (location.pathname === '/login' && [null, issuer].includes(new URLSearchParams(location.search).get('iss'))) await doing(() => begin())
else $('signed-out').hidden = false
