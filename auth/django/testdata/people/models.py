"""Users whose primary key is a text, in a table with a name of its own."""

from django.contrib.auth.models import AbstractUser
from django.db import models


class Person(AbstractUser):
    handle = models.CharField(primary_key=True, max_length=40)

    class Meta:
        db_table = "Crew"
