"""What replies mean, by kind: paraphrases that must match and lookalikes that must not.

None of these replies was taken from a corpus; each row says the same as real ones do, in other
words. Beside each kind stand lookalikes: a live recipient, or a refusal of the sender.
"""

import pytest

from bounceledger.classify.classifier import classify
from bounceledger.classify.reply import parse_reply
from bounceledger.classify.traits import Hints
from bounceledger.verdict import Disposition, Scope, Verdict


def read(diagnostic: str) -> Verdict:
    return classify(parse_reply(diagnostic), Hints())


UNKNOWN_MAILBOX = [
    # loose and misspelt English
    "550 The user dosn't exist",
    "550 the mailbox do not exists",
    "550 this account is not exist",
    "550 x@example.com: user does no exist",
    "550 recipient not exists",
    "550 RCPT (x@example.com) dont exist",
    "550 mailbox unexist",
    "550 Adress does not exist",
    "550 Invalid reciepient",
    "550 Unkown user",
    "550 user unknwon",
    "550 5.0.0 recepient unknown",
    "550 uknown recipient",
    "550 No exist",
    "550 not this user",
    "550 there is no this user",
    "550 Sorry, not found this mailbox",
    "550 can not find the user",
    "550 user can not be found",
    "550 we don't have such a user",
    "550 server hasn't this account",
    "550 system have no such account",
    "550 unavailable mail user",
    "550 mailbox invaild",
    "550 not user of this server",
    "550 local server don't exists that user",
    "550 recipient does not have an account",
    "550 <x@example.com> doesn't exit",
    "550 The email does not exist",
    "550 5.7.1 Email address isn't exist",
    "550 no such a mailbox",
    "550 this user isn't on this system",
    "553 account not belong to this domain",
    "550 5.7.1 The mail box you wrote to no longer exists",
    "550 RC:LD The account you want to reach does no exist",
    "550 Unknown address",
    "550 Address unknown",
    # directories
    "550 5.1.1 x@example.com is not listed in public Name & Address Book",
    "550 Recipient not present in LDAP",
    "550 5.7.1 user not found in Active Directory",
    "550 No matching entry for this recipient",
    "550 5.4.1 recipient isn't in our user database",
    "550 the user was not found in the company directory",
    # lists
    "550 5.1.2 No such mailing list",
    "550 Mailing list does not exist",
    # the line about the recipient stands, whatever follows
    "550-5.1.1 <x@example.com>: No such user 550 5.1.1 Too many errors, closing connection",
    "550 5.1.1 User unknown 421 4.7.0 mx.example.com Error: too many errors",
    "550-User not found\r\n550 Goodbye",
    "550-Unknown mailbox\n550-Too many invalid recipients from your IP\n550 closing connection",
    "550 5.7.1 no mailbox here by that name 421 closing channel",
    # the outer status stands over a quoted one
    "550 5.1.1 <x@example.com>: address rejected: host mx.example.net said: 550 5.7.1 No",
    # United Internet, with its link
    (
        "550-Requested action not taken: mailbox unavailable\n550 For explanation visit "
        "https://postmaster.web.de/en/case?c=r0103"
    ),
    # malformed recipients
    "553 5.1.2 <x@example..com>... Invalid host name",
    "504 5.5.2 <x@host>: Recipient address rejected: need fully-qualified address",
    # other languages
    "550 Benutzer unbekannt",
    "550 Boîte aux lettres inexistante",
    "550 El buzón no existe",
    "550 Caixa postal inexistente",
    "550 Casella inesistente",
    "550 Пользователя не существует",
    "550 收件人不存在",
    "550 그런 사용자가 없습니다",
    "550 Gebruiker bestaat niet",
]

DEAD_DOMAIN = [
    "550 an MX record indicated no SMTP service",
    "x-exim; an MX or SRV record indicated no mail service",
    "x-exim; all relevant MX records point to nonexistent hosts",
    "x-postfix; Domain example.org does not accept mail (nullMX)",
    "550 unroutable mail domain example.org",
    "550 Unrouteable domain",
    "554 5.4.4 The domain does not exist",
    "554 5.4.4 SMTPSEND.DNS.NonExistentDomain",
    "550 relaying denied: no such domain",
    "554 Unknown destination domain, will not relay",
    "550 Recipient domain has no MX record",
    "550 5.1.2 the recipient's domain has expired",
    "error; NoMxHostFoundException: null",
    "x-sendmail; Host unknown (Name server: example.org: no data known)",
    "Sorry, I couldn't find any host named example.org. (#5.1.2)",
    (
        "x-postfix; Host or domain name not found. Name service error for name=example.org type=A: "
        "Host found but no data record of requested type"
    ),
    "DNS query error: domain not found",
]

MOVED = [
    "x-exim; moved to y@example.net",
    "550 5.1.6 recipient has moved",
    "551 has moved to <y@example.net>",
    "550 <x@example.com> moved permanently to <y@example.net>",
    "550 This person no longer works here",
]

DISABLED = [
    # suspended for abuse: the recipient's account
    "550 5.2.1 Recipient address rejected: account suspended due to abuse",
    "554 User suspended for spamming",
    "550 mailbox locked because of spam",
    "550 5.1.1 Account deleted by our abuse team due to abuse",
    "554 5.7.1 The recipient's mailbox was blocked for violating our terms",
    "550 Suspended account: spam",
    "550 Domain suspended for abuse",
    "550 5.7.1 Recipient address rejected: Account locked by abuse department",
    "550 Das Postfach wurde wegen Spam-Versand gesperrt wegen Missbrauch",
    "550 Compte suspendu pour abus",
    # receiving switched off
    "550 Mail receiving is disabled",
    "521 mail receiving disabled",
    "550 Incoming mail is disabled for this user",
    "556 Address unavailable",
    "550 5.1.1 <x@example.com>... Address currently unavailable",
    "550 Reception of messages suspended",
    # dormant
    "550 Dormant account",
    "550 5.1.1 this mailbox is no longer active",
    "550 Mailbox disabled due to inactivity",
    "550 no activity since 2017-02-03",
    "550 user has not logged in since 2019, inactive for 400 days",
    "550 Account hibernated",
    "552 5.2.1 User disabled",
    "550 Le compte est inactif depuis 2019",
]

OWN_LIST = [
    "550 sender is on the recipient's blacklist",
    "550 5.7.1 the recipient has blacklisted you",
    "554 You are on this user's block list",
    "550 Sender blacklisted by recipient",
    "550 Rejected by user's reject list",
    "550 Blocked by the recipient",
    "550 5.7.1 the user has blocked your address",
    "550 You were registered as spammer (by user's reject list)",
    "550 recipient blocklisted this sender",
    "554 Your address is in the personal blacklist of the recipient",
]

SENDING_HOST = [
    "550 Untrusted host",
    "550 Distrusted IP",
    "554 IP is banned",
    "550 IPs not allowed",
    "550 Your host is unwelcome",
    "550 Your server is not welcome here",
    "550 You are blocked",
    "571 You have been banned, ask your postmaster",
    "550 sending server rejected",
    "550 client 192.0.2.1 refused",
    "550 server 192.0.2.1 is not accepted",
    "550 host mail.example.net rejected",
    "521 example.com does not accept mail from dynamic hosts",
    "521 5.0.0 mail from 192.0.2.1 is not accepted",
    "554 Messages from 192.0.2.1 are refused",
    "553 Connections from 192.0.2.1 not accepted",
    "554 We do not accept bulk traffic",
    "550 we do not accept mail from this network",
    "554 Connections will not be accepted from 192.0.2.1, because the ip is in Spamhaus's list",
    "554 Your IP is attacking our server",
    "554 192.0.2.1 is flooding",
    "554 Your server is generating too much junk",
    "554 Requested mail action not taken: Invalid IP",
    "550 Service refused for your IP",
    "554 HL:IHU 192.0.2.1",
    "450 DT:RBL 192.0.2.1",
    # a missing reverse name
    "550 5.7.1 Client host rejected: cannot find your reverse hostname",
    "550 No reverse DNS for 192.0.2.1",
    "450 4.7.1 Client host 192.0.2.1 has no PTR record (G1F)",
    "550 Your IP has no PTR",
    "550 5.7.25 The sending IP does not have a reverse name",
    # a list
    "554 5.7.1 Sender domain is listed in Spamhaus DBL",
    "550 rejected: spam source, listed on a blocklist",
    "554 Spam from your IP: see the blacklist at example.net",
    # postscreen
    "521 5.3.2 Service currently unavailable",
]

SENDER_ADDRESS = [
    "550 Unauthorized sender",
    "550 Unauthorised From address",
    "550-Requested action not taken: mailbox unavailable 550 invalid DNS MX or A resource record",
    "550 bad DNS MX entry",
    "550 broken MX record",
    "550 No MX record for your sender domain",
    "517 Domain does not exist: example.org",
    "517-MX records for example.org violate section 3.3.9 of RFC 1035.",
    "517 Invalid domain, see <URL:ftp://ftp.isi.edu/in-notes/rfc1035.txt>",
    "417 DNS lookup failure: example.org. Try again later",
    "550 sender is rejected",
]

RATE = [
    "450 4.2.1 <x@example.com>: Mailbox received too much mail in a short time (G30)",
    "450 4.2.1 too many messages to this recipient",
    "421 4.2.1 Traffic limit exceeded for user",
    "452 Bandwidth quota exceeded",
    "450 4.7.1 Error: too much mail from 192.0.2.1",
    "421 4.4.2 Submission rate for this client has exceeded the limit",
    "550 5.4.6 Unusual sending volume detected",
    "505 total of RCPTs reached",
    "550 5.4.7 Recipient address rejected: Recipients Domain Daily Quota Exceeded",
    "451 MI:SFQ 192.0.2.1",
    "550 RP:TRC",
]

TOO_LARGE = [
    "552 5.2.3 Message size exceeds fixed maximum message size (1000)",
    "552 message exceeds fixed maximum message size 1000",
    "552 Error: Too much mail data",
    "552 5.3.4 Error: message file too big",
    "552 5.2.0 size limit: your message is too large",
    "523 Message length exceeds administrative limit",
    "550 5.2.0 Maximum message size exceeded",
]

MAILBOX_FULL = [
    "552 Quota exceed the limit for user",
    "552 mailbox quota excedeed",
    "550 5.2.0 user is over quota",
    "452 4.2.1 recipient mailbox is full",
]

PROTOCOL = [
    "501 Invalid domain name",
    "501 Bad hostname",
    "555 5.5.4 MAIL FROM/RCPT TO parameters not recognized or not implemented",
    "555 5.5.4 Unsupported option: FOO",
    "504 Unrecognized parameter",
    "501 unknown argument",
    "550 line length is limited to 998 octets",
    "451 bare newline received",
    "550 A valid address is required",
    "501 recipient address must contain a domain",
]

SERVER = [
    "451 4.3.5 Server configuration error",
    "554 5.3.5 Local configuration error",
    "550 5.3.2 System shutting down",
    "521 5.3.2 Internal server trouble: system error",
    "554 mx.example.com ESMTP not accepting messages",
    "451 4.6.0 Alias expansion failed",
    "421 mx.example.com: under maintenance",
    "451 qq temporary problem",
    "450 4.3.2 system is going down",
]

HELO = [
    "550 HELO rejected",
    "501 EHLO requires domain/address",
    "550 5.7.1 Bad HELO",
    "550 invalid HELO name",
    "554 EHLO name is not resolvable",
    "550 HELO: unknown host",
    "504 5.5.2 <x>: Helo command rejected: need fully-qualified hostname",
]

RELAY = [
    "550 I can't deliver mail for <x@example.com>",
    "550 cannot accept mail for x@example.com",
    "550 Relais refusé",
    "550 Relaying verboten",
    "553 Relaying disallowed",
    "550 domain isn't hosted here",
    "554 5.7.1 This domain is not handled by this server",
    "550 not a local domain",
    "550 5.7.54 Unable to relay recipient in non-accepted domain",
    "550 Not our mail service customer",
]

GREYLISTED = [
    "550-(grey defer) 550-Your IP: 192.0.2.1 550-Mailhost: mailin1.example.com",
    "450 4.3.2 Service currently unavailable",
    "451 you are greylisted",
    "450 4.2.0 Recipient address rejected: greylisted: please retry after some time",
]

POLICY = [
    "554 5.7.1 [HM08] Message rejected due to local policy",
    "554 5.7.1 [HCM1] refused",
    (
        "550-Requested action not taken: mailbox unavailable\n550-Message contains a dangerous file\n"
        "550 https://postmaster.gmx.com/en/case?c=hi"
    ),
    "550-Requested action not taken: mailbox unavailable 550 Reject due to policy restrictions.",
    "550 5.7.0 Multi-part messages are dangerous (G19)",
    "550 5.7.1 Access denied",
    "X-Unix; 77",
]

BY_CATEGORY = {
    "mailbox_unknown": UNKNOWN_MAILBOX,
    "domain_unknown|no_mail_accepted": DEAD_DOMAIN,
    "mailbox_moved": MOVED,
    "mailbox_disabled": DISABLED,
    "recipient_refused": OWN_LIST,
    "reputation_block": SENDING_HOST,
    "sender_rejected": SENDER_ADDRESS,
    "rate_limited": RATE,
    "message_too_large": TOO_LARGE,
    "mailbox_full": MAILBOX_FULL,
    "protocol_error": PROTOCOL,
    "system_error": SERVER,
    "policy|protocol_error|sender_rejected|reputation_block": HELO,
    "relay_denied": RELAY,
    "greylisted": GREYLISTED,
    "policy": POLICY,
}


@pytest.mark.parametrize(
    ("category", "diagnostic"),
    [(category, row) for category, rows in BY_CATEGORY.items() for row in rows],
)
def test_a_meaning_is_read_in_any_wording(category: str, diagnostic: str) -> None:
    assert read(diagnostic).category.value in category.split("|")


NOT_DEAD = [
    # the sender, in unknown-user words
    "550 Sender does not exist",
    "550 sender adress unknown",
    "550 <y@example.net>: sender dosn't exist",
    "550 your mailbox do not exists",
    "550 We can not find the sender's user",
    "550 Your account is not exist",
    "550 the from address is not exist",
    "553 your domain does not exist",
    "550 no such domain in your HELO",
    "550 No MX for the sender's domain",
    "550 Reply-To user unkown",
    "550 Unknown user in From:",
    "550 bad username or password: user does no exist",
    "535 authentication failed: no such user",
    "550 we don't have such a user in our allow list",
    "550 DKIM: selector does not exist",
    "550 SPF record not exist",
    "550 reverse name does not exist",
    "550 your host is unknown",
    "550 Unknown host 192.0.2.1, no PTR record",
    "501 Invalid domain name",
    "550 HELO domain not found",
    "550 5.7.1 Message contains a link to a domain that not exists",
    "550 attachment does not exist in archive",
    # live recipients
    "550 mailbox exists, but is not reachable now",
    "550 The user exists, but does not accept mail from you",
    "450 4.1.1 user dosn't exist",
    "451 No this user, try later",
    "450 4.1.1 <x@example.org>: unverified address: Host or domain name not found",
    "550 5.2.2 mailbox is full, user not found in time",
    "550 Recipient not reachable at the moment",
    "550 Mailbox not available",
    "550 Requested action not taken: mailbox unavailable",
    "550 user may not exist or is over quota",
    "550 the recipient has moved to a new server, try again later",
    "550 user not allowed to receive from outside",
    "550 5.7.1 recipient only accepts mail from known senders; you are not in the list",
    "550 this list does not exist for non-members: members only",
    "550 recipient server not found in cache, temporary failure",
    "452 4.2.2 no space for this user",
    "550 Mail receiving disabled",
    "556 Address unavailable",
    "550 5.7.1 host mx.example.net said: 550 5.1.1 your ip is blocked",
    "550 too many recipients do not exist",
    "550 mail to unknown recipients from your host exceeds the limit",
    "550 permanent failure: cannot verify the sender's address",
    "554 5.7.1 verification failed: user unknown in sender callout",
    "550 Access denied for the user",
    "550 No address found for your IP",
    "550 DNS lookup of the recipient domain failed, try again",
    "550 Invalid message: no such header",
    "550 certificate does not exist",
    "550 The list does not accept mail from this address",
    "550 Ihr Benutzer existiert nicht",
    "550 Votre boîte n'existe pas",
    "550 Su buzón no existe",
    "550 您的邮箱不存在",
    "550 Ваш ящик не существует",
]


@pytest.mark.parametrize("diagnostic", NOT_DEAD)
def test_a_lookalike_suppresses_nobody(diagnostic: str) -> None:
    assert read(diagnostic).disposition is not Disposition.HARD


UNREAD_BLOCKS = [
    "550 Nothing for your server",
    "554 192.0.2.1",
    "550 Host mx.example.net: no",
    "554 5.0.0 this connection is odd",
    "550 I do not like you",
    "550 5.1.0 Ask your provider",
    "554 Ihr Server gefällt uns nicht",
    "550 client weirdness",
    "554 network is on vacation from you",
]


@pytest.mark.parametrize("diagnostic", UNREAD_BLOCKS)
def test_an_unread_reply_that_names_a_host_or_you_is_no_strike(diagnostic: str) -> None:
    assert read(diagnostic).disposition is Disposition.BLOCK


UNREAD_STRIKES = [
    "550 No",
    "550 recipient has an issue with your server",
    "550 5.1.0 mailbox trouble on host",
    "554 <x@example.com>: hmm",
    "550 Permanent failure",
]


@pytest.mark.parametrize("diagnostic", UNREAD_STRIKES)
def test_an_unread_reply_is_a_strike_where_it_may_be_about_the_recipient(diagnostic: str) -> None:
    assert read(diagnostic).disposition is Disposition.SOFT


SENDERS_OWN_ABUSE = [
    "550 Your account has been suspended for spamming",
    "554 Sender account suspended due to abuse",
    "550 Message blocked due to spam",
    "554 Your IP is blocked because of abuse",
    "550 Sending from this account is disabled due to abuse",
    "554 Mail from your domain was blocked for abuse",
    "550 client blocked for spamming",
]


@pytest.mark.parametrize("diagnostic", SENDERS_OWN_ABUSE)
def test_a_sender_who_is_blocked_for_abuse_is_not_the_recipient(diagnostic: str) -> None:
    assert read(diagnostic).disposition is Disposition.BLOCK


DOMAIN_CLAIMS = [
    (
        "450 4.1.1 <x@example.org>: Recipient address rejected: unverified address: Domain "
        "example.org does not accept mail (nullMX)"
    ),
    (
        "450 4.1.1 <x@example.org>: Recipient address rejected: unverified address: host "
        "mx.example.org[192.0.2.1] refused to talk to me: 521 mx.example.org No mail here"
    ),
    (
        "450 4.1.2 <x@example.org>: Recipient address rejected: unverified address: Host or domain "
        "name not found. Name service error for name=example.org type=MX: Host not found"
    ),
    (
        "550 4.4.7 Message expired: unable to deliver in 840 minutes.<421 4.4.0 Unable to lookup DNS "
        "for example.org>"
    ),
    "550 4.4.7 Message expired: could not resolve the domain",
]


@pytest.mark.parametrize("diagnostic", DOMAIN_CLAIMS)
def test_a_soft_reply_can_claim_that_a_domain_is_dead(diagnostic: str) -> None:
    # THEN it suppresses nobody, and its scope says that DNS can decide
    verdict = read(diagnostic)
    assert (verdict.disposition, verdict.scope) == (Disposition.SOFT, Scope.DOMAIN)


@pytest.mark.parametrize(
    "diagnostic",
    [
        (
            "450 4.1.1 <x@example.org>: Recipient address rejected: unverified address: Host or "
            "domain name not found. Name service error for name=example.org: Host not found, try again"
        ),
        (
            "450 4.1.1 <x@example.org>: Recipient address rejected: unverified address: Connection "
            "timed out"
        ),
        "550 4.4.7 Message expired: unable to deliver in 840 minutes.<452 4.2.2 Mailbox full>",
        "450 4.1.8 <y@example.net>: Sender address rejected: Domain not found",
    ],
)
def test_a_doubt_is_not_a_claim_about_the_domain(diagnostic: str) -> None:
    assert read(diagnostic).scope is not Scope.DOMAIN
