"""Words that names, streets, towns, shops and mailboxes are made of."""

from __future__ import annotations


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


FIRST_NAMES = _words(
    """Aaron Abigail Adrian Aisha Alan Alejandra Amanda Amir Ana Andrea Andrew Angela Anna Anthony
    Arjun Ashley Barbara Ben Brandon Brenda Brian Carla Carlos Carol Catherine Charles Charlotte
    Chloe Christina Christopher Claire Daniel David Deborah Denise Diana Diego Donna Dylan Edward
    Elena Elizabeth Emily Emma Eric Ethan Eva Fatima Felix Frank Gabriel George Grace Gregory Hannah
    Harold Heather Helen Henry Ian Ines Isaac Isabel Jack Jacob James Janet Jasmine Jason Jennifer
    Jessica Joan John Jonathan Jordan Jorge Joseph Joyce Julia Justin Karen Katherine Kayla Keiko
    Kenneth Kevin Kyle Laura Lauren Leah Lena Leo Linda Lisa Lucas Lucia Luis Margaret Maria Marie
    Mark Martha Martin Mary Matthew Megan Mei Michael Michelle Miguel Mohammed Monica Nancy Natalie
    Nathan Nicholas Nicole Noah Nora Olga Oliver Olivia Omar Pamela Patricia Patrick Paul Peter
    Philip Priscilla Priya Rachel Raj Ralph Raymond Rebecca Richard Robert Rosa Ruth Ryan Samantha
    Samuel Sandra Sara Scott Sean Sharon Sofia Sophie Stephen Steven Susan Tara Teresa Theo Thomas
    Timothy Tina Todd Valerie Vanessa Victor Victoria Vincent Walter Wei Wendy William Yasmin Yuki
    Zoe"""
)

LAST_NAMES = _words(
    """Adams Aguilar Ali Allen Alvarez Anderson Bailey Baker Barnes Becker Bell Bennett Bianchi
    Brooks Brown Bryant Butler Campbell Carter Castillo Chavez Chen Clark Cohen Coleman Collins Cook
    Cooper Costa Cox Cruz Davis Diaz Dubois Edwards Evans Ferrari Fischer Fisher Flores Ford Foster
    Garcia Gibson Gomez Gonzalez Graham Gray Green Griffin Gupta Hall Hamilton Harris Harrison
    Hernandez Hill Hoffman Howard Hughes Ivanov Jackson James Jansen Jenkins Jimenez Johnson Jones
    Jordan Kelly Khan Kim King Klein Kowalski Larsson Lee Lewis Li Lopez Marshall Martin Martinez
    Mason McDonald Mendoza Meyer Miller Mitchell Moore Morales Moreau Moreno Morgan Morris Murphy
    Murray Myers Nakamura Nelson Nguyen Novak Nowak OBrien Okafor Olsen Ortiz Owens Parker Patel
    Perez Perry Peterson Phillips Powell Price Ramirez Reed Reyes Reynolds Richardson Rivera Roberts
    Robinson Rodriguez Rogers Rojas Romano Ross Rossi Ruiz Russell Sanchez Sanders Sato Schmidt
    Schneider Scott Silva Simmons Singh Smith Snyder Stewart Sullivan Suzuki Tanaka Taylor Thomas
    Thompson Torres Tucker Turner Vargas Wagner Walker Wallace Ward Washington Watson Weber West
    White Williams Wilson Wong Wood Wright Young"""
)

STREETS = _words(
    """Street Street Street Avenue Avenue Avenue Road Road Drive Drive Lane Lane Court Court Way
    Place Terrace Square Boulevard Circle Parkway Trail Ridge Meadow Grove Streets Courts Hill
    Crossing Park Row Walk"""
)

TOWN_HEADS = ("North", "South", "East", "West", "New", "Lake", "Port", "Old", "Upper", "Mount")
TOWN_TAILS = _words(
    "ville ton town burgh bury furt berg field ford side haven port mouth view land chester"
)

# Mailboxes of providers that do not exist: `.example` and the three `example` domains are reserved
# (RFC 2606), so that no simulated address can belong to anyone.
MAIL_DOMAINS = {
    "example.com": 20.0,
    "example.org": 10.0,
    "example.net": 10.0,
    "bluemail.example": 18.0,
    "postbox.example": 14.0,
    "fastpost.example": 9.0,
    "mailhaven.example": 7.0,
    "cityweb.example": 5.0,
    "alumni-mail.example": 3.0,
    "familyhost.example": 3.0,
    "privatpost.example": 2.0,
}

# Well-known services of throw-away mailboxes.
DISPOSABLE_DOMAINS = (
    "mailinator.com",
    "guerrillamail.com",
    "10minutemail.com",
    "yopmail.com",
    "trashmail.com",
    "temp-mail.org",
    "sharklasers.com",
    "getnada.com",
)

# How people write a number: `{a}` is the area code, `{b}` three digits, `{c}` four.
AMERICAN_PHONES = (
    "({a}){b}-{c}",
    "({a}) {b}-{c}",
    "{a}-{b}-{c}",
    "{a}.{b}.{c}",
    "{a}{b}{c}",
    "+1-{a}-{b}-{c}",
    "+1{a}{b}{c}",
    "1-{a}-{b}-{c}",
)

# Area codes that are not assigned in the North American plan.
UNASSIGNED_AREA_CODES = ("565", "333", "444", "546", "596", "695", "745", "846", "897", "976")
