"""Every provider, and how the requests to its webhook are verified."""

from collections.abc import Mapping

from bounceledger.webhooks.credentials import Credentials
from bounceledger.webhooks.public_keys import Postal, SendGrid
from bounceledger.webhooks.schemes import Scheme, Sns
from bounceledger.webhooks.shared_keys import (
    MAILERSEND_TEST_KEY,
    BodyHmac,
    Mailgun,
    Mandrill,
    StandardWebhooks,
    UnisenderGo,
)

PROVIDERS: Mapping[str, Scheme | Sns] = {
    "brevo": Credentials(),
    "generic": Credentials(),
    "kumomta": Credentials(),
    "mailersend": BodyHmac("signature", test_key=MAILERSEND_TEST_KEY),
    "mailgun": Mailgun(),
    "mailjet": Credentials(),
    "mailtrap": BodyHmac("mailtrap-signature"),
    "mandrill": Mandrill(),
    "postal": Postal(),
    "postmark": Credentials(),
    "resend": StandardWebhooks(),
    "sendgrid": SendGrid(),
    "ses": Sns(),
    "sparkpost": Credentials(),
    "unisender_go": UnisenderGo(),
}
"""Every provider and how its webhook is verified; its module in this package has its name."""
