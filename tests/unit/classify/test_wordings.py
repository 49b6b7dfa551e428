"""What replies mean, by kind: paraphrases that must match and lookalikes that must not.

Rows are standard texts of common servers, and replies written for this test that say the same
in other words. Beside each kind stand lookalikes: a live recipient, or a refusal of the sender.
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
    "550 Not exists",
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
    "550 This address is unknown",
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
    "550 unknown user",
    "550 5.1.1 Destination address is unknown (user does not exist)",
    "550 Invalid recipient: <x@example.com>",
    "550 5.1.1 <x@example.com> User doesn't exist: x@example.com",
    (
        "550-Mailbox unknown. Either there is no mailbox associated with this 550-name or you "
        "do not have authorization to see it. 550 5.1.1 User unknown"
    ),
    "550 5.1.1 Unknown user: x@example.com",
    "550 5.1.2 Mailbox does not exist.",
    "550 5.7.1 No such user!",
    "550 5.7.1 Email address could not be found, or was misspelled (BO-1)",
    "551 5.1.1 Refused: recipient is not exist",
    "550 5.1.1 Konto nie istnieje",
    "550 Recipient rejected. User unknown IB603",
    "550-Invalid recipient <x@example.com> (#5.1.1)",
    "550 (x@example.com) Unrouteable address",
    "550 5.1.1 <x@example.com>... User unknown",
    "x-unix; user unknown. Command output: lda: Fatal: Unknown user",
    "can't create user output file: user unknown",
    "511 5.1.1 sorry, no mailbox here by that name (chkuser)",
    "550 5.1.1 sorry, no mailbox here by that name (#5.1.1 - chkuser)",
    "554 The recipient address is rejected: user doesn't exist in domain",
    "550 5.1.1 The email account that you tried to reach does not exist here",
    "550 #5.1.1 Unknown recipient",
    "550 Unknown recipient. Rejecting",
    "550 5.1.1 Recipient unknown",
    "550 RCPT TO: invalid user",
    "550 Invalid User: x@example.com",
    '550 "x" is not a known user',
    "550 User (x@example.com) unknown.",
    "550 x@example.com unknown",
    "550 5.7.1 x@example.com: no such mailbox found",
    "550 no mailbox <x@example.com>",
    "550 no such recipient",
    "550 Not a valid mailbox",
    "550 5.1.1 Mailbox x@example.com does not exist",
    "550 Requested action not taken: user x not found",
    "550 5.1.1 ACCOUNT NOT EXIST",
    "550 That mailbox is not known here",
    "554 5.1.1 x@example.com: Recipient address rejected: User does not exist here",
    "550 sorry, no mailbox here by that name.",
    "550 Address rejected: no such user here",
    "550 5.4.1 No such user",
    "550 recipient verification failed: unknown user",
    "550 5.1.1 Alias not found",
    "550 5.1.1 Address does not exist or alias removed",
    "550 5.1.1 no forwarding rule: alias does not exist",
    "550 SL E515 Email not exist",
    "550 Address is not found",
    "550 invalid recipient address",
    "550 wrong recipient",
    "550 5.0.0 recipient not on this system",
    "550 5.1.10 RESOLVER.ADR.RecipientNotFound",
    "550 5.1.1 Recipient not recognized",
    "550 Could not find a user with that address",
    "550 address not listed in directory",
    "550 we have no mailbox for that user",
    "550 There is no mailbox with that name",
    "550 User is not registered",
    "550 5.1.1 user has been removed",
    "550 5.1.1 Mailbox has been deleted",
    "554 5.1.1 account has been permanently deleted",
    "550 Unrouteable address: no such local part",
    "550 Brugeren findes ikke",
    "550 Uzivatel neexistuje",
    "550 Användaren finns inte",
    "550 Käyttäjää ei löydy",
    "550 Użytkownik nie istnieje",
    "550 nie znaleziono użytkownika",
    "550 Kullanıcı bulunamadı",
    "550 Uživatel nenalezen",
    "550 A felhasználó nem létezik",
    "550 Utilizatorul nu exista",
    "550 Gebruiker onbekend",
    "550 Postvak bestaat niet",
    "550 Такого пользователя нет",
    "550 Користувача не знайдено",
    "550 Ten adres nie istnieje",
    "550 L'adresse n'existe pas",
    "550 Destinataire inexistant",
    "550 Boîte mail introuvable",
    "550 Cuenta inexistente",
    "550 No existe el buzón",
    "550 Usuario no encontrado",
    "550 Destinatário não encontrado",
    "550 Conta não existe",
    "550 Indirizzo inesistente",
    "550 Empfängeradresse unbekannt",
    "550 Dieses Postfach gibt es nicht",
    "550 該当するユーザーは存在しません",
    "550 找不到收件人",
    "550 没有这个用户",
    "550 用户名不存在",
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
    "error; NoMxHostFoundException: none",
    "x-sendmail; Host unknown (Name server: example.org: no data known)",
    "Sorry, I couldn't find any host named example.org. (#5.1.2)",
    (
        "x-postfix; Host or domain name not found. Name service error for name=example.org type=A: "
        "Host found but no data record of requested type"
    ),
    "DNS query error: domain not found",
    "550 Recipient domain does not exist",
    "550 5.1.2 Unknown domain",
    "550 Domain not found: example.org",
    "5.1.2 (bad destination system: no such domain)",
    "550 5.4.310 DNS domain example.org does not exist [Message=InfoDomainNonexistent]",
    (
        "x-postfix; Host or domain name not found. Name service error for name=example.org "
        "type=AAAA: Host not found"
    ),
    "DNS Hard Error looking up example.org (MX): NXDomain",
    "550 The domain example.org has no mail server",
    "550 No MX or A records for example.org",
    "Recipient server not found: no such domain",
    "556 5.1.10 example.org does not accept mail (nullMX)",
    "550 5.1.10 null MX",
    "Destination domain example.org has a null MX record",
    "521 5.3.2 host does not accept mail",
    "521 This server never accepts mail",
]

MOVED = [
    "x-exim; moved to y@example.net",
    "550 5.1.6 recipient has moved",
    "551 has moved to <y@example.net>",
    "550 <x@example.com> moved permanently to <y@example.net>",
    "550 This person no longer works here",
    "551 User not local; please try <z@example.org>",
    "550 5.1.6 Mailbox has moved",
    "550 x no longer works for the company",
    "550 This employee has left the company",
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
    "556 Address not available",
    "550 5.1.1 <x@example.com>... Address currently unavailable",
    "550 Reception of messages suspended",
    # dormant
    "550 Dormant account",
    "550 5.1.1 this mailbox is no longer active",
    "550 Mailbox disabled due to inactivity",
    "550 no activity since 2017-02-03",
    "550 user has not logged in since 2019, inactive for 400 days",
    "550 Account hibernated",
    "552 5.2.1 User is disabled",
    "550 Le compte est inactif depuis 2019",
    (
        "554 30 Sorry, your message to x@example.com cannot be delivered. This mailbox is "
        "disabled (554.30)."
    ),
    (
        "550 Message was not accepted -- invalid mailbox. Local mailbox x@example.com is "
        "unavailable: account is disabled"
    ),
    "550 Mailbox is frozen",
    "550 User suspended",
    "550 User locked",
    "550 5.2.1 This mailbox has been blocked due to inactivity (UserSearch)",
    "550 5.2.1 Konto zablokowane",
    "550 5.7.1: Recipient address rejected: Account inactive",
    "550 account is locked, contact admin",
    "User account is expired",
    "550 5.2.1 This account has been disabled or discontinued [#102].",
    "550 5.2.1 Mailbox unavailable: account disabled",
    "550 account suspended",
    "550 5.7.1 Account deactivated by its owner",
    "550 Mailbox x is currently deactivated",
    "550 5.2.1 The user's mailbox is on hold",
    "550 Alias disabled",
    "550 5.1.1 Address is disabled",
    "550 user is frozen",
    "550 Konto ist gesperrt",
    "550 Compte désactivé",
    "550 Cuenta suspendida",
    "550 Conta bloqueada",
    "550 Casella disabilitata",
    "550 Аккаунт заблокирован",
    "550 邮箱已停用",
    "550 5.2.1 recipient account expired",
    "550 mailbox closed",
    "554 5.7.1 Recipient has been suspended for non payment",
    "550 The mailbox is archived",
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
    "554 Requested mail action not taken: unknown IP",
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
    "554 5.7.0 Client identity is listed in the used DNSBL",
    "550 5.7.708 Service unavailable. Access denied, traffic not accepted from this IP",
    "550 5.7.750 Service unavailable. Client blocked from sending from unregistered domains",
    "550 5.7.606 Access denied, banned sending IP [192.0.2.1]",
    "553 5.7.2 [TSS09] All messages from 192.0.2.1 will be permanently deferred",
    (
        "550 [PERMFAIL] example requires that all mail servers must have a PTR record with a "
        "valid Reverse DNS entry"
    ),
    "550 Access from ip address 192.0.2.1 blocked. Visit http://example.ru",
    "550 Connection denied",
    "550 smtp-16.example.local IP [192.0.2.1] is in black list on zen.spamhaus.org",
    "550 csi.example.org Poor Reputation Sender",
    (
        "550 The sending IP (192.0.2.1) is listed on https://spamrl.example. Please resolve "
        "this and retry."
    ),
    '550 "REJECTED - Your country is not allowed to connect to this server."',
    "550 5.7.1 Client host rejected: Access denied",
    "550 5.7.1 Mail from 192.0.2.1 refused by blackhole site bl.spamcop.net",
    "421 4.7.0 Reputation of your IP is low",
    "554 5.7.1 Blocked by our internal RBL",
    "550 Blacklisted by sender score",
    "550 5.7.1 Message rejected because of suspicious sending host",
    "554 5.7.1 Client host [192.0.2.1] blocked",
    "550 5.7.1 Your message was blocked because your IP has bad reputation",
    "554 Your IP is blacklisted at b.example.net",
    "550 IP 192.0.2.1 is listed by UCEPROTECT",
    "421 4.7.1 [192.0.2.1] temporarily blocked: low sender score",
    "550 Rejected: 192.0.2.1 is on our local blocklist",
    "550 5.7.1 Sender's server is listed on RBL",
    "554 Connection rejected: poor reputation",
    "550 Email blocked: your domain is on a denylist",
    "550 5.7.1 Rejected, dynamic IP",
    "550 Mail from dialup hosts is refused",
    "550 your mail server is blocked by our admin",
    "550 5.7.1 your domain example.net has been blocked",
    "553 Votre adresse IP est bloquée",
    "554 Ihre IP-Adresse ist gesperrt",
    "550 Su dirección IP está en una lista negra",
    "550 Ваш IP заблокирован",
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
    "550 the sender is refused",
    "450 could not resolve sender domain",
    "501 5.1.7 Sender address invalid",
    "550 5.7.511 Access denied, banned sender [x@example.com]",
    "554 5.7.1 <y@example.net>: Sender address rejected: Access denied",
    "450 4.1.8 <y@nx.example>: Sender address rejected: Domain not found",
    (
        "550 5.1.7 <y@example.net>: Sender address rejected: undeliverable address: host "
        "mx[192.0.2.1] said: 550 5.1.1 User unknown"
    ),
    "553 5.5.4 <y>... Domain name required for sender address y",
    "553 5.1.8 <y@nx.example>... Domain of sender address y@nx.example does not exist",
    "501 5.1.8 Domain of sender address is not resolvable",
    "550 5.1.8 Sender domain does not resolve",
    "550 From domain has no MX",
    "553 5.1.7 invalid sender",
    "550 Null sender not accepted",
    "550 5.7.1 Sender refused",
    "550 Callout to the sender failed",
    "550 sender verification failed",
    "550 Your sender address is blocked",
    "501 <> no bounces accepted here",
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
    "550 5.7.705 Access denied, tenant has exceeded threshold",
    "550 5.7.508 Access denied, [192.0.2.1] has exceeded permitted limits",
    (
        "550 5.7.233 Your message can't be sent because your tenant exceeded its daily limit "
        "for sending email to external recipients"
    ),
    "550-5.4.5 Daily SMTP relay limit exceeded for user",
    (
        "450-4.2.1 The user you are trying to contact is receiving mail at a rate that prevents "
        "additional messages from being delivered"
    ),
    (
        "451 4.5.1 The recipient <x@example.com> has exceeded their message rate limit. Try "
        "again later."
    ),
    "550 Ip frequency limited",
    (
        "550 The domain example.com has exceeded the max defers and failures per hour (5/5 "
        "(100%)) allowed. Message discarded."
    ),
    "451 4.7.0 Too many emails. Slow down",
    "452 4.5.3 Error: too many recipients",
    "421 Too many connections from your host",
    "450 4.7.0 You have sent too many messages today",
    "451 exceeded hourly quota",
    "554 Message limit per session reached",
    "452 Too many recipients received this hour",
    "421 4.7.0 Rate limit reached. Please try again later",
    "450 4.7.1 You are sending too fast",
    "421 Too many messages in this session",
    "450 Recipient is receiving too many messages",
    "421 4.4.5 Too many SMTP sessions for this host",
    "550 You have exceeded your hourly sending limit",
    "452 4.3.1 Throttling: too many messages",
    "451 4.7.1 connection rate exceeded",
    "421 Concurrency limit reached",
    "450 Quota of messages per hour exceeded",
]

TOO_LARGE = [
    "552 5.2.3 Message size exceeds fixed maximum message size (1000)",
    "552 message exceeds fixed maximum message size 1000",
    "552 Error: Too much mail data",
    "552 5.3.4 Error: message file too big",
    "552 5.2.0 size limit: your message is too large",
    "523 Message length exceeds administrative limit",
    "550 5.2.0 Maximum message size exceeded",
    "550 5.2.3 RESOLVER.RST.RecipSizeLimit; message too large for this recipient",
    "552 5.3.4 Message size exceeds fixed limit",
    "Message is too big for system",
    "552 Message size exceeds maximum permitted",
    "552 5.3.4 Message too big",
    "552 Message size limit exceeded",
    "523 the message exceeds our size limit",
    "552 Nachricht zu gross",
    "552 Mensaje demasiado grande",
]

MAILBOX_FULL = [
    "552 Quota exceed the limit for user",
    "552 mailbox quota exceded",
    "550 5.2.0 user is over quota",
    "452 4.2.1 recipient mailbox is full",
    "552 5.2.2 <x@example.com> Quota exceeded (mailbox for user is full)",
    "550 5.2.2 STOREDRV.Deliver; mailbox full. Cannot open mailbox",
    "452-4.2.2 The recipient's inbox is out of storage space",
    "552 5.2.2 Mailbox size limit exceeded",
    "550 5.2.2 Caixa postal cheia",
    "552 schranka je plna",
    "552 Mailbox quota exceeded / mailbox is full",
    "x-unix; maildrop: maildir over quota.",
    "422 user's mailbox over limit",
    "452 4.2.2 mailbox temporarily full",
    "554 Account has exceeded its disk allocation",
    "550 Mailbox has reached its storage limit",
    "552 no space left in the user's mailbox",
    "552 5.2.2 Mailbox full",
    "550 user over quota",
    "452 4.2.2 Over quota",
    "554 5.2.2 Storage limit reached",
    "550 5.2.2 The account has exceeded its quota",
    "552 Mailbox is full / Blocks limit exceeded / Inode limit exceeded",
    "550 Postfach voll",
    "552 Boîte pleine",
    "550 Buzón lleno",
    "552 Casella piena",
    "552 Ящик переполнен",
    "552 收件人邮箱已满",
    "550 5.2.2 user storage is exhausted",
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
    "550 Valid address required",
    "501 recipient address must contain a domain",
    "550 5.1.20 Multiple From addresses are not allowed without Sender address",
    "500 5.5.2 Error: bad syntax",
    "502 5.5.2 Error: command not recognized",
    "553 5.6.7 Must list SMTPUTF8 for internationalized addresses",
    "501 5.5.4 Syntax error in MAIL parameters",
    "503 5.5.1 Error: need RCPT command",
    "554 5.5.1 Error: no valid recipients",
    "500 Command unrecognized",
    "550 5.6.0 Lone CR or LF in body",
    "552 5.6.0 Line too long",
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
    "451 4.3.0 Failed to queue message: disk problem",
    "451 4.3.0 <x@example.com> Temporary internal error",
    (
        "451 4.2.0 <x@example.com> Internal error occurred. Refer to server log for more "
        "information. [2026-01-25 23:02:17]"
    ),
    "432 4.3.2 STOREDRV; mailbox server is too busy",
    "421 4.3.2 Service not active",
    "451 Resources temporarily not available - Please try again later [#4.16.1].",
    "452 4.3.1 Insufficient system storage",
    "x-unix; temporary failure. Command output: maildrop: cannot lock",
    "450 Service temporarily offline",
    "454 4.3.0 Try again later",
    "421 Too busy",
    "451 database unavailable",
    "550 Internal server failure",
    "554 5.3.0 internal mail handling error",
    "451 4.3.0 cannot connect to milter",
    "451 4.3.0 Mail server temporarily rejected message",
    "451 4.3.0 Temporary lookup failure",
    "451 4.3.2 Please try again later",
    "421 4.3.0 Server too busy",
    "451 Local error in processing",
    "450 Server error, please retry",
    "451 4.7.1 Service unavailable, try later",
    "554 5.3.0 Internal error",
    "550 Unexpected error, contact admin",
    "451 4.3.0 LDAP lookup failure",
    "452 4.3.1 Out of memory",
    "451 4.4.0 Temporary resource failure",
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
    "503 5.7.1 Relay not allowed",
    "550 5.7.1 Requested action not taken: relaying denied",
    "550 5.1.2 Relay not allowed.",
    "550 5.7.1 Unable to relay",
    "550 Domain is not handled here",
    "550 5.7.1 <x@example.com>... Relaying denied. IP name lookup failed [192.0.2.1]",
    "553 sorry, that domain isn't in my list of allowed rcpthosts (#5.5.3 - chkuser)",
    "550 5.7.1 Relaying denied",
    "554 5.7.1 Relay access denied",
    "550 We do not relay",
    "553 we don't host that domain",
    "550 This server does not handle mail for example.com",
    "550 no relaying allowed",
    "551 5.7.1 we do not relay for x@example.com",
    "550 Domain not local",
]

GREYLISTED = [
    "550-(grey defer) 550-Your IP: 192.0.2.1 550-Mailhost: mailin1.example.com",
    "450 4.3.2 Service currently unavailable",
    "451 you are greylisted",
    "450 4.2.0 Recipient address rejected: greylisted: please retry after some time",
    (
        "451 192.0.2.1 is not yet authorized to deliver mail from <y@example.net> to "
        "<x@example.com>. Please try later."
    ),
    "451 4.7.1 Please try again later (TEMPFAIL) greylisting in action",
    (
        "450 4.2.0 <x@example.com>: Recipient address rejected: Greylisted, see "
        "http://postgrey.example"
    ),
    "451 4.7.1 Greylisted, please try again",
    "450 4.7.1 Temporarily greylisted",
    "450 try again in 5 minutes",
    "451 Deferred: first contact from this host",
    "421 4.7.0 Postgrey: come back later",
]

POLICY = [
    "554 5.7.1 [HM08] Message rejected due to local policy",
    "554 5.7.1 [HCM1] refused",
    (
        "550-Requested action not taken: mailbox unavailable\n"
        "550-Message contains a dangerous file\n550 https://postmaster.gmx.com/en/case?c=hi"
    ),
    "550-Requested action not taken: mailbox unavailable 550 Reject due to policy restrictions.",
    "550 5.7.0 Multi-part messages are dangerous (G19)",
    "550 5.7.1 Access denied",
    "X-Unix; 77",
    "550 5.7.520 Access denied, Your organization does not allow external forwarding",
    (
        "550 5.7.1 The user or domain that you are sending to (or from) has a policy that "
        "prohibited the mail that you sent"
    ),
    "550 5.7.1 Policy rejection on the target address",
    "550 Administrative prohibition - envelope blocked",
    "552 5.7.0 Attachment type not allowed (.exe)",
    "550 5.7.1 You are not allowed to post to this mailing list",
    "550 5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup",
    "554 rejected by our corporate mail rules",
    "550 5.7.1 Message rejected due to policy",
    "554 5.7.0 Attachment not permitted",
    "550 5.7.1 Mail rejected by organization policy",
    "550 5.7.1 This group only accepts mail from members",
    "550 Message rejected by transport rule",
    "554 5.7.1 Password protected archives are not accepted",
    "554 Forbidden attachment",
]

SPAM_CONTENT = [
    "550 message denied by SpamAssassin",
    ("550-5.7.1 [192.0.2.1] Our system has detected that this message is likely unsolicited mail."),
    "550 spam message rejected. Please visit http://help.example.ru/notspam-support/id?c=x",
    "554 5.7.1 [1] Message rejected under suspicion of SPAM; https://example.ru/spam",
    "550 Mail content denied",
    "553-Message filtered. Refer to the Troubleshooting page",
    "550 5.7.1 Blocked by SpamAssassin",
    "554 5.7.1 Spam message rejected by rspamd",
    "550 Looks like spam to me",
    "554 Your mail scored too high on our spam filter",
    "550 5.7.1 Message identified as SPAM",
    "554 5.7.1 Rejected as spam",
    "550 This message scored 12.3 spam points",
    "550 5.7.0 Content looks like phishing",
    "554 Spam detected by content scanner",
    "550 Nachricht als Spam eingestuft",
    "550 Message considéré comme spam",
    "550 Mensaje rechazado por spam",
    "554 Unsolicited bulk email",
]

VIRUS = [
    "550 Message contains a virus: Eicar-Test",
    "554 5.7.1 This message contains malware (Win.Test.EICAR_HDB-1)",
    "554 5.7.1 Virus found",
    "552 5.7.1 Trojan detected",
]

TLS_FAILURE = [
    "503 5.7.10 TLS needed",
    "530 5.7.0 Must issue a STARTTLS command first",
    "TLS is required, but was not offered by host mx.example.com[192.0.2.1]",
    "454 4.7.0 TLS not available due to local problem",
    "403 4.7.0 TLS handshake failed",
    "550 5.7.10 Encryption needed",
]

AUTH_FAILURE = [
    "550 5.7.23 SPF check failed: none",
    "553-SPF (Sender Policy Framework) domain authentication 553 fail.",
    "554 5.7.1 Email rejected per DMARC policy",
    "550 5.7.1 DKIM signature verification failed",
    "550 5.7.26 Unauthenticated email is not accepted due to DMARC policy",
    "550 SPF: 192.0.2.1 is not allowed to send mail from example.net",
    "550 5.7.1 DMARC validation failed",
    "550 DKIM verification failed",
    "550-5.7.26 The MAIL FROM domain has an SPF record with a hard fail policy",
    "550 5.7.509 Access denied, sending domain does not pass DMARC verification",
    "550 ARC/DKIM not aligned with From",
]

NETWORK_ERROR = [
    "450 4.4.318 Connection was closed abruptly",
    "x-postfix; connect to mx.example.com[192.0.2.1]:25: No route to host",
    "x-postfix; mail for example.com loops back to myself",
    (
        "Sorry. Although I'm listed as a best-preference MX or A for that host, it isn't in my "
        "control/locals file, so I don't treat it as local. (#5.4.6)"
    ),
    "x-exim; lowest numbered MX record points to local host",
    "x-sendmail; Deferred: Name server: mx.example.com.: host name lookup failure",
    "421 Temporary failure in MX lookup",
    (
        "x-postfix; conversation with mx.example.com[192.0.2.1] timed out while receiving the "
        "initial server greeting"
    ),
    "421 4.4.2 Connection dropped",
    "450 4.4.1 connection timed out with mx.example.com",
    "451 4.4.0 DNS query timed out",
    "554 5.4.6 Routing loop",
    "Remote host said nothing: connection reset by peer",
    "421 4.4.1 Unable to connect to destination",
    "554 5.4.12 SMTP; Hop count exceeded",
]

DOMAIN_UNKNOWN = [
    "No MX found for domain",
]

RECIPIENT_REFUSED = [
    "550 5.7.1 <x@example.com>: Recipient address rejected: Access denied",
    "550 Recipient rejected",
    "550 Mailbox unavailable",
    "450 Mailbox busy",
    "550 recipient address rejected",
]

EXPIRED = [
    "message expired after 3 days",
    "Delivery time expired",
    "x-exim; retry timeout exceeded",
    "554 5.4.7 delivery expired (message too old)",
]

BY_CATEGORY = {
    "expired": EXPIRED,
    "domain_unknown": DOMAIN_UNKNOWN,
    "network_error": NETWORK_ERROR,
    "auth_failure": AUTH_FAILURE,
    "tls_failure": TLS_FAILURE,
    "virus": VIRUS,
    "spam_content": SPAM_CONTENT,
    "mailbox_unknown": UNKNOWN_MAILBOX,
    "domain_unknown|no_mail_accepted": DEAD_DOMAIN,
    "mailbox_moved": MOVED,
    "mailbox_disabled": DISABLED,
    "recipient_refused": OWN_LIST + RECIPIENT_REFUSED,
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
    "550 5.1.0 - Unknown address error 550-'mail refused'",
    "5.1.0 - Unknown address error 550-'Please come back with a better reputation'",
    "550 This domain is not hosted on this server",
    "550 Mail for this domain is not served by this system",
    "550 could not find the address of your server",
    "550 cannot find your address in DNS",
    "550 We can not find the address of the client",
    "550 Unknown local error",
    "550 unknown mailbox error",
    "550 unknown recipient error occurred",
    "550 the user policy does not exist",
    "550 user certificate not found",
    "550 The mailbox server does not exist in this site",
    "550 recipient's mail server could not be resolved",
    "550 5.7.1 You do not have an account here, log in first",
    "550 You are not in the recipient's user list",
    "550 message rejected, please check the recipient address and send again",
    "550 Domain is not available at this time",
    "550 user not identified, please authenticate",
    "550 no such user agent",
    "550 wrong account type for relaying",
    "550 Not a valid address in the From header",
    "550 from: no such address",
    "550 The mail user quota record does not exist",
    "550 No valid address found for your host",
    "550 Your recipient list contains too many unknown users",
    "550 Authentication: account not found",
    "550 login: user unknown",
    "550 no user logged in",
    "550 user lookup not finished",
    "550 recipient is known but not reachable",
    "550 user exists",
    "550 recipient not verified yet, please retry",
    "550 Message refused: link to unknown domain",
    "550 Message not accepted for unknown reasons",
    "550 5.7.1 sending to unknown addresses is not permitted for your host",
    "550 invalid address in header To:",
    "550 Unknown host name in HELO",
    "550 Host name does not exist in reverse DNS",
    "550 PTR does not exist",
    "550 hostname not found for 192.0.2.1",
    "550 client host not found",
    "550 mail server does not exist: helo mx.example.net",
    "554 no such domain mx.example.net (HELO)",
    "550 dns: your domain does not exist",
    "550 the domain of the from address does not exist",
    "550 envelope from domain does not exist",
    "550 return-path domain not found",
    "550 Domain example.net in MAIL FROM not found",
    "501 5.1.8 domain does not exist (mail from)",
    "550 This domain is not allowed to send",
    "550 the domain you send from is not valid",
    "550 Absenderdomain existiert nicht",
    "550 Domaine expéditeur inconnu",
    "550 发件人域名不存在",
    "550 发件人不存在",
    "550 отправитель не найден",
    "550 utilisateur non autorisé",
    "550 usuario no autorizado",
    "550 Benutzer nicht berechtigt",
    "550 Empfänger nicht erreichbar",
    "550 Empfänger nimmt keine Mails an",
    "550 destinatario non raggiungibile",
    "550 缺少收件人",
    "550 rejected: user moved mail to spam",
    "550 The user moved to another provider's filter: try again",
    "550 The message was moved to quarantine",
    "550 list not found in whitelist",
    "550 5.2.1 mailbox not found in cache, temporary problem",
    "550 recipient has not been found guilty, message is spam",
    "550 Invalid mailbox syntax in MAIL FROM",
    "550 Policy: recipient unknown to sender",
    "550 you are unknown to the recipient",
    "550 Sorry, you don't exist in our address book",
    "550 your address is not in our LDAP",
    "550 The recipient's domain requires TLS",
    "550 No MX for TLS policy found",
    "550 mta-sts policy does not exist",
    "550 DANE: TLSA record not found",
    "550 user unknown to greylist, try later",
    "550 too many users not found from your IP",
    "550 5.4.4 unable to route to host temporarily",
    "550 server not found in local cluster",
    "550 mailbox database not found",
    "550 alias loop detected",
    "550 User rate exceeded, account not accepting",
    "550 The account is not able to receive now",
    "552 mailbox exists but is full",
    "550 recipient no longer wants mail",
    "550 addressee has not whitelisted you",
    "550 the e-mail address used by the sender is not found",
    "550 Address of sender not found",
    "550 Unknown user or mailbox full",
    "550 Mailbox may be disabled, full or not exist",
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
        "550 4.4.7 Message expired: unable to deliver in 840 minutes.<421 4.4.0 Unable to "
        "lookup DNS for example.org>"
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
            "domain name not found. Name service error for name=example.org: Host not found, try "
            "again"
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
