"""Who speaks: voices to learn from, and voices kept for the test."""

import random

from training.espeak import Manner

ACCENTS = ("en-us", "en-us", "en-us", "en-gb-x-rp", "en-us-nyc", "en-gb-scotland")
VARIANTS = (
    "f1", "f2", "f3", "f5", "m1", "m2", "m3", "m4", "m5", "m7", "m8", "Alex", "Alicia", "Andrea",
    "Annie", "Denis", "Diogo", "Gene", "Gene2", "Henrique", "Hugo", "Jacky", "Lee", "Marco",
    "Mario", "Michael", "Mike", "Nguyen", "anika", "antonio", "aunty", "belinda", "benjamin",
    "boris", "caleb", "david", "ed", "edward", "edward2", "gustave", "iven", "iven2", "iven3",
    "john", "kaukovalta", "klatt", "klatt3", "klatt5", "max", "marcelo", "michel", "miguel",
    "norbert", "pablo", "paul", "pedro", "quincy", "rob", "robert", "sandro", "shelby", "steph",
    "steph3", "travis", "zac", "RicishayMax", "RicishayMax2",
)  # fmt: skip
UNSEEN = ("f4", "m6", "Andy", "adam", "linda", "victor", "steph2", "klatt2", "iven4", "grandma")


def any_manner(dice: random.Random, variants: tuple[str, ...] = VARIANTS) -> Manner:
    return Manner(
        voice=f"{dice.choice(ACCENTS)}+{dice.choice(variants)}",
        words_per_minute=dice.randint(120, 230),
        pitch=dice.randint(15, 85),
        pitch_range=dice.randint(20, 80),
    )
