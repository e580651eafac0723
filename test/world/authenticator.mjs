// Chromium's virtual authenticators (WebAuthn, section 11), by the DevTools
// protocol: they enforce RP IDs, as a page shim would not.

/** What kinds of authenticator there are to plug in. */
export const kinds = Object.freeze({
  phone: { transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true, defaultBackupEligibility: true, defaultBackupState: true },
  laptop: { transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true },
  key: { transport: 'usb', hasResidentKey: true, hasUserVerification: true, isUserVerified: true },
  pinless: { transport: 'usb', hasResidentKey: false, hasUserVerification: false },
  slotless: { transport: 'usb', hasResidentKey: false, hasUserVerification: true, isUserVerified: true },
});

/** One authenticator of one page. Presence is given without a person. */
export class Authenticator {
  /** Events of what signals did to it, in order: `[name, credentialId]`. */
  events = [];

  static async plug(page, kind = kinds.phone) {
    const it = new Authenticator();
    it.cdp = await page.context().newCDPSession(page);
    await it.cdp.send('WebAuthn.enable');
    const options = { protocol: 'ctap2', ctap2Version: 'ctap2_1', automaticPresenceSimulation: true, ...kind };
    it.id = (await it.cdp.send('WebAuthn.addVirtualAuthenticator', { options })).authenticatorId;
    for (const name of ['credentialAdded', 'credentialAsserted', 'credentialDeleted', 'credentialUpdated']) {
      it.cdp.on(`WebAuthn.${name}`, (event) => {
        if (event.authenticatorId === it.id) it.events.push([name, event.credentialId ?? event.credential.credentialId]);
      });
    }
    return it;
  }

  send(method, parameters = {}) {
    return this.cdp.send(`WebAuthn.${method}`, { authenticatorId: this.id, ...parameters });
  }

  async credentials() {
    return (await this.send('getCredentials')).credentials;
  }

  /** Puts credentials of another authenticator in: a copy. */
  async take(credentials) {
    for (const credential of credentials) await this.send('addCredential', { credential });
  }

  verifies(isUserVerified) {
    return this.send('setUserVerified', { isUserVerified });
  }

  /** Whether it answers at once, or waits for somebody who never comes. */
  present(enabled) {
    return this.send('setAutomaticPresenceSimulation', { enabled });
  }

  unplug() {
    return this.send('removeVirtualAuthenticator');
  }

  /** Resolves once something has happened to it. */
  async happened(name, count = 1) {
    for (let tries = 0; tries < 200; tries++) {
      const found = this.events.filter(([what]) => what === name);
      if (found.length >= count) return found;
      await new Promise((done) => setTimeout(done, 25));
    }
    throw new Error(`${name} did not happen: ${JSON.stringify(this.events)}`);
  }
}
