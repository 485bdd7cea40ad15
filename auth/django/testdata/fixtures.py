"""Makes the tables and rows of a Django project, and password hashes, by Django.

    fixtures.py tables MODEL DATABASE   # into an empty database, by DATABASE: a
                                        # file of SQLite, or host=... of PostgreSQL
    fixtures.py dump FILE               # prints a file of SQLite as SQL
    fixtures.py hashes                  # prints JSON
    fixtures.py check PASSWORD HASH     # prints whether Django takes it

MODEL is auth, members, people or clerks: what AUTH_USER_MODEL is. Passwords that
are not those of hashers have few iterations, so that tests are quick.
"""

import datetime
import json
import os
import sqlite3
import sys
import tempfile
import uuid

import django
from django.conf import settings

SECRET = "a SECRET_KEY of the tests, which has more than fifty letters"
OLD_SECRET = "what SECRET_KEY was before, also with more than fifty letters"
PASSWORD = "pw"
MODELS = {"auth": "auth.User", "members": "members.Member", "people": "people.Person", "clerks": "clerks.Clerk"}
HASHERS = {
    "pbkdf2_sha256": "PBKDF2PasswordHasher",
    "pbkdf2_sha1": "PBKDF2SHA1PasswordHasher",
    "argon2": "Argon2PasswordHasher",
    "bcrypt_sha256": "BCryptSHA256PasswordHasher",
    "bcrypt": "BCryptPasswordHasher",
    "scrypt": "ScryptPasswordHasher",
}


def configure(model="auth", database=""):
    apps = ["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions"]
    migrations = {}
    if model != "auth":
        apps.append(model)
        migrations[model] = model + "_migrations"
    if "host=" in database:
        options = dict(pair.split("=", 1) for pair in database.split())
        database = {
            "ENGINE": "django.db.backends.postgresql", "HOST": options["host"],
            "NAME": options["dbname"], "USER": options["user"],
        }
    else:
        database = {"ENGINE": "django.db.backends.sqlite3", "NAME": database or ":memory:"}
    settings.configure(
        SECRET_KEY=SECRET, USE_TZ=True, INSTALLED_APPS=apps, MIGRATION_MODULES=migrations,
        AUTH_USER_MODEL=MODELS[model], DATABASES={"default": database},
        PASSWORD_HASHERS=["django.contrib.auth.hashers." + name for name in HASHERS.values()],
    )
    django.setup()


def tables(model, database):
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    with tempfile.TemporaryDirectory() as folder:
        sys.path.insert(0, folder)
        if model != "auth":
            os.mkdir(os.path.join(folder, model + "_migrations"))
            open(os.path.join(folder, model + "_migrations", "__init__.py"), "w").close()
        configure(model, database)
        from django.core.management import call_command

        if model != "auth":
            call_command("makemigrations", model, verbosity=0)
        call_command("migrate", verbosity=0)
        rows(model)


def rows(model):
    from django.contrib.auth import get_user_model
    from django.contrib.auth.hashers import PBKDF2PasswordHasher
    from django.contrib.auth.models import Group, Permission

    users = get_user_model().objects

    def hashed(password, salt):
        return PBKDF2PasswordHasher().encode(password, salt, iterations=100)

    def make(number, name, password=PASSWORD, **values):
        if model == "members":
            values.update(id=uuid.UUID(int=number + (0xABCDEF << 64)), email=name + "@example.com")
        elif model == "people":
            values.update(handle="h-" + name, username=name)
        else:
            # beyond 32 bits for BigAutoField
            values.update(id=number + (1 << 40 if model == "clerks" else 0), username=name)
        user = users.model(**values)
        user.password = hashed(password, "seasalt%d" % number)
        user.save()
        return user

    def permission(codename):
        return Permission.objects.get(codename=codename)

    staff, bad, empty = (Group.objects.create(name=name) for name in ("staff", "bad", "empty"))
    staff.permissions.add(permission("add_group"), permission("view_group"))
    bad.permissions.add(permission("view_group"))

    alice = make(1, "alice")
    root = make(2, "root", is_superuser=True)
    root.groups.add(bad)
    bob = make(3, "bob")
    bob.groups.add(staff)
    carl = make(4, "carl")
    carl.groups.add(staff, bad)
    carl.user_permissions.add(permission("add_group"), permission("delete_session"))
    inactive = make(5, "inact", is_active=False)
    dora = make(6, "dora")
    dora.groups.add(empty)
    dora.user_permissions.add(permission("add_permission"))
    locked = make(7, "locked")
    locked.set_unusable_password()
    locked.save()
    odd = make(8, "Zoë O'Hara; --")
    sessions([alice, root, bob, carl, inactive, dora, locked, odd])


def sessions(users):
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore
    from django.contrib.sessions.models import Session

    far, past = (datetime.datetime(year, 1, 2, 3, 4, 5, 600000, tzinfo=datetime.timezone.utc) for year in (2100, 2000))

    def save(name, values, expires=far, secret=SECRET):
        settings.SECRET_KEY = secret
        data = SessionStore().encode(values)
        settings.SECRET_KEY = SECRET
        Session.objects.create(session_key=name.ljust(32, "0"), session_data=data, expire_date=expires)

    def login(user):
        return {
            SESSION_KEY: user._meta.pk.value_to_string(user),
            BACKEND_SESSION_KEY: "django.contrib.auth.backends.ModelBackend",
            HASH_SESSION_KEY: user.get_session_auth_hash(),
        }

    def old_hash(user):
        return {HASH_SESSION_KEY: user._get_session_auth_hash(secret=OLD_SECRET)}

    alice = users[0]
    for user in users[:5]:
        name = user.get_username().split("@")[0]
        save("of" + name, login(user))
    save("expired", login(alice), expires=past)
    save("anonymous", {"cart": [1, 2, 3]})
    save("compressed", {**login(alice), "cart": ["a thing"] * 1000})
    save("huge", {**login(alice), "cart": "x" * (8 << 20)})
    save("oldkey", {**login(alice), **old_hash(alice)}, secret=OLD_SECRET)
    save("otherkey", login(alice), secret="a key that nobody configured, with more than fifty letters")
    save("nohash", {key: value for key, value in login(alice).items() if key != HASH_SESSION_KEY})
    save("otherhash", {**login(alice), HASH_SESSION_KEY: login(users[1])[HASH_SESSION_KEY]})
    save("numbers", {**login(alice), SESSION_KEY: 1})
    save("nouser", {**login(alice), SESSION_KEY: "999"})
    save("odduser", {**login(alice), SESSION_KEY: "1 OR 1=1"})


def hashes():
    configure()
    from django.contrib.auth import hashers

    made = []

    def make(password, name, **settings):
        hasher = type(name, (getattr(hashers, HASHERS[name]),), settings)()
        made.append({"password": password, "hash": hasher.encode(password, hasher.salt())})

    # Cheap ones, since the race detector makes them take ten times as long; what
    # Django takes unless it is told otherwise, where that is bearable.
    cheap = {
        "pbkdf2_sha256": {"iterations": 1000},
        "pbkdf2_sha1": {"iterations": 1000},
        "argon2": {"time_cost": 3, "memory_cost": 1 << 12, "parallelism": 2},
        "bcrypt_sha256": {"rounds": 4},
        "bcrypt": {"rounds": 4},
        "scrypt": {"work_factor": 2, "block_size": 1, "parallelism": 1},
    }
    for name, settings in cheap.items():
        make("pw", name, **settings)
        make("lètmein", name, **settings)
        make("p$w " + "x" * 66 if name == "bcrypt" else "long $ " * 40, name, **settings)
        make("", name, **settings)
    make("argon2id", "argon2")
    make("scrypt", "scrypt")
    made.append({"password": "", "hash": hashers.make_password(None)})
    json.dump(made, sys.stdout, indent=1, ensure_ascii=False)
    print()


def check(password, encoded):
    configure()
    from django.contrib.auth.hashers import check_password

    print(check_password(password, encoded))


def dump(database):
    print("\n".join(sqlite3.connect(database).iterdump()))


if __name__ == "__main__":
    {"tables": tables, "dump": dump, "hashes": hashes, "check": check}[sys.argv[1]](*sys.argv[2:])
