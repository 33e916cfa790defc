"""How django-allauth signs people in here: staff are invited, and second-factor secrets lie encrypted."""

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings
from django.http import HttpRequest


class AccountAdapter(DefaultAccountAdapter):
    """No open sign-up: an admin creates the accounts of a business."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False


class SocialAccountAdapter(DefaultSocialAccountAdapter):
    """Google sign-in works for an existing user with that verified address; it never makes a new one."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: object) -> bool:
        return False


class MfaAdapter(DefaultMFAAdapter):
    """allauth keeps TOTP secrets in clear unless these two methods say otherwise."""

    def encrypt(self, text: str) -> str:
        return _fernet().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return _fernet().decrypt(encrypted_text.encode()).decode()


def _fernet() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in settings.TOKEN_ENCRYPTION_KEYS])
