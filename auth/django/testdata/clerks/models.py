"""Users with numbers beyond 32 bits."""

from django.contrib.auth.models import AbstractUser
from django.db import models


class Clerk(AbstractUser):
    id = models.BigAutoField(primary_key=True)
