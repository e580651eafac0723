package messages

// Keys of the pages on which a person sees and changes their own sign-in. A
// text ending in "For" names its button to those who do not see what it stands
// beside.
const (
	AccountOpen  Key = "account.open" // on the home page: the way there
	AccountTitle Key = "account.title"
	AccountLead  Key = "account.lead" // {tenant}
	AccountBack  Key = "account.back" // from a page below it
	AccountKeep  Key = "account.keep" // instead of confirming: leave it as it is

	AccountMethods          Key = "account.methods"
	AccountMethodsLead      Key = "account.methods.lead"
	AccountMethodsNone      Key = "account.methods.none"
	AccountMethodAdded      Key = "account.method.added"      // {moment}
	AccountMethodUsed       Key = "account.method.used"       // {moment}
	AccountMethodUnused     Key = "account.method.unused"     // never used yet
	AccountMethodRestricted Key = "account.method.restricted" // the risk of codes by SMS (SP 800-63B-4, 3.2.9)
	AccountMethodSuspended  Key = "account.method.suspended"  // after "this wasn't me"
	AccountMethodSynced     Key = "account.method.synced"     // a passkey that is copied between devices
	AccountMethodHardware   Key = "account.method.hardware"   // one that cannot leave its device

	AccountAdd      Key = "account.add"
	AccountAddLead  Key = "account.add.lead"
	AccountAddNone  Key = "account.add.none" // nothing more can be added: {tenant}
	AccountAddThis  Key = "account.add.this" // on the button beside a method's name
	AccountAddFor   Key = "account.add.for"  // {factor}
	AccountNameHint Key = "account.name-hint"

	AccountRename       Key = "account.rename"
	AccountRenameFor    Key = "account.rename.for"   // {name}
	AccountRenameTitle  Key = "account.rename.title" // {name}
	AccountRenameLabel  Key = "account.rename.label"
	AccountRenameSubmit Key = "account.rename.submit"

	AccountRemove       Key = "account.remove"
	AccountRemoveFor    Key = "account.remove.for"   // {name}
	AccountRemoveTitle  Key = "account.remove.title" // {name}
	AccountRemoveLead   Key = "account.remove.lead"
	AccountRemoveLast   Key = "account.remove.last" // it is the last second step, and one is needed
	AccountRemoveSubmit Key = "account.remove.submit"

	AccountSuggest     Key = "account.suggest" // heading: there is one second step only
	AccountSuggestLead Key = "account.suggest.lead"
	AccountFirst       Key = "account.first" // heading: there is no second step
	AccountFirstLead   Key = "account.first.lead"

	AccountCodes       Key = "account.codes"
	AccountCodesLead   Key = "account.codes.lead"
	AccountCodesLeft   Key = "account.codes.left" // plural
	AccountCodesLow    Key = "account.codes.low"  // plural; a warning
	AccountCodesGone   Key = "account.codes.gone" // all are used; a warning
	AccountCodesNone   Key = "account.codes.none" // none were ever made
	AccountCodesMake   Key = "account.codes.make"
	AccountCodesRenew  Key = "account.codes.renew"
	AccountCodesTitle  Key = "account.codes.title" // of the page that confirms a new set
	AccountCodesWarn   Key = "account.codes.warn"
	AccountCodesSubmit Key = "account.codes.submit"

	AccountPassword       Key = "account.password"
	AccountPasswordSet    Key = "account.password.set" // {moment}
	AccountPasswordNone   Key = "account.password.none"
	AccountPasswordChange Key = "account.password.change"
	AccountPasswordCreate Key = "account.password.create"
	AccountPasswordTitle  Key = "account.password.title"
	AccountPasswordLead   Key = "account.password.lead"
	AccountPasswordSubmit Key = "account.password.submit"

	AccountDetails Key = "account.details" // heading over address, number and name

	AccountEmail           Key = "account.email"
	AccountEmailNone       Key = "account.email.none"
	AccountEmailVerified   Key = "account.email.verified"
	AccountEmailUnverified Key = "account.email.unverified"
	AccountEmailChange     Key = "account.email.change"
	AccountEmailTitle      Key = "account.email.title"
	AccountEmailLead       Key = "account.email.lead"
	AccountEmailLabel      Key = "account.email.label"
	AccountEmailSubmit     Key = "account.email.submit"

	AccountPhone             Key = "account.phone"
	AccountPhoneNone         Key = "account.phone.none"
	AccountPhoneAdd          Key = "account.phone.add"
	AccountPhoneChange       Key = "account.phone.change"
	AccountPhoneTitle        Key = "account.phone.title"
	AccountPhoneLead         Key = "account.phone.lead"
	AccountPhoneLabel        Key = "account.phone.label"
	AccountPhoneHint         Key = "account.phone.hint"
	AccountPhoneSubmit       Key = "account.phone.submit"
	AccountPhoneRemove       Key = "account.phone.remove"
	AccountPhoneRemoveTitle  Key = "account.phone.remove.title"
	AccountPhoneRemoveLead   Key = "account.phone.remove.lead"
	AccountPhoneRemoveSubmit Key = "account.phone.remove.submit"

	AccountName       Key = "account.name"
	AccountNameNone   Key = "account.name.none"
	AccountNameChange Key = "account.name.change"
	AccountNameTitle  Key = "account.name.title"
	AccountNameLead   Key = "account.name.lead"
	AccountNameLabel  Key = "account.name.label"
	AccountNameSubmit Key = "account.name.submit"

	AccountSessions      Key = "account.sessions"
	AccountSessionsLead  Key = "account.sessions.lead"
	AccountSessionsOnly  Key = "account.sessions.only" // no other browser
	AccountSessionThis   Key = "account.session.this"
	AccountSessionBound  Key = "account.session.bound"  // cannot be taken to another device
	AccountSessionLoose  Key = "account.session.loose"  // a cookie alone
	AccountSessionAny    Key = "account.session.any"    // a browser that did not say what it is
	AccountSessionPlace  Key = "account.session.place"  // {place}
	AccountSessionWhere  Key = "account.session.where"  // place unknown
	AccountSessionSince  Key = "account.session.since"  // {moment}
	AccountSessionActive Key = "account.session.active" // {moment}
	AccountSessionNow    Key = "account.session.now"    // active at this moment

	AccountEnd             Key = "account.end"
	AccountEndFor          Key = "account.end.for"   // {device}
	AccountEndTitle        Key = "account.end.title" // {device}
	AccountEndLead         Key = "account.end.lead"
	AccountEndSubmit       Key = "account.end.submit"
	AccountEndOthers       Key = "account.end-others"
	AccountEndOthersTitle  Key = "account.end-others.title"
	AccountEndOthersLead   Key = "account.end-others.lead"
	AccountEndOthersSubmit Key = "account.end-others.submit"
	AccountEndAll          Key = "account.end-all"
	AccountEndAllTitle     Key = "account.end-all.title"
	AccountEndAllLead      Key = "account.end-all.lead"
	AccountEndAllSubmit    Key = "account.end-all.submit"

	AccountActivity        Key = "account.activity"
	AccountActivityLead    Key = "account.activity.lead"
	AccountActivityNone    Key = "account.activity.none"
	AccountActivityThis    Key = "account.activity.this"    // by this browser
	AccountActivityUnknown Key = "account.activity.unknown" // "not you?" link

	AccountApplications      Key = "account.applications"
	AccountApplicationsLead  Key = "account.applications.lead"
	AccountApplicationsNone  Key = "account.applications.none"
	AccountApplicationMay    Key = "account.application.may"     // over its scopes
	AccountApplicationBasic  Key = "account.application.basic"   // it knows who one is, no more
	AccountApplicationSince  Key = "account.application.since"   // {moment}
	AccountApplicationUntil  Key = "account.application.until"   // {moment}
	AccountApplicationAny    Key = "account.application.any"     // one that has no name any more
	AccountApplicationEnd    Key = "account.application.end"     // the button
	AccountApplicationEndFor Key = "account.application.end.for" // {application}
	AccountApplicationTitle  Key = "account.application.title"   // {application}
	AccountApplicationLead   Key = "account.application.lead"    // {application}
	AccountApplicationSubmit Key = "account.application.submit"
	AccountApplicationEnded  Key = "account.application.ended" // notice afterwards

	JoinTitle  Key = "join.title" // {tenant}
	JoinLead   Key = "join.lead"  // {tenant}
	JoinHint   Key = "join.hint"
	JoinSubmit Key = "join.submit"
	JoinGone   Key = "join.gone" // heading: the invitation is of no use any more
	JoinAgain  Key = "join.again"

	NotMeTitle     Key = "not-me.title"
	NotMeLead      Key = "not-me.lead"
	NotMeWill      Key = "not-me.will" // over what it does
	NotMeSessions  Key = "not-me.sessions"
	NotMeAdded     Key = "not-me.added"
	NotMeRemoved   Key = "not-me.removed"
	NotMeFrozen    Key = "not-me.frozen"
	NotMeSubmit    Key = "not-me.submit"
	NotMeWasMe     Key = "not-me.was-me"
	NotMeDone      Key = "not-me.done" // heading afterwards
	NotMeDoneLead  Key = "not-me.done.lead"
	NotMeNext      Key = "not-me.next" // over what to do next
	NotMeMailbox   Key = "not-me.next.mailbox"
	NotMePassword  Key = "not-me.next.password"
	NotMeReview    Key = "not-me.next.review"
	NotMeHelp      Key = "not-me.next.help" // {tenant}
	NotMeGone      Key = "not-me.gone"      // heading: the link is of no use any more
	NotMeGoneLead  Key = "not-me.gone.lead"
	NotMeGoneAgain Key = "not-me.gone.again"
)

// Stems of keys of these pages that are made from a code.
const (
	stemDone    Key = "done."
	stemDuty    Key = "duty."
	stemLevel   Key = "level."
	stemEvent   Key = "event."
	stemOutcome Key = "outcome."
	stemBecause Key = "because."
)
