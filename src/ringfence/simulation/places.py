"""Where people live and pay: real cities, with what an address, a phone and a network there need.

Populations are rounded weights in hundred thousands of the urban area; coordinates are in degrees;
`utc_offset_hours` is the standard time, since a payment's hour matters and an hour of summer time
does not. `postal` and `phone` are patterns: `#` is any digit, `@` a capital letter.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ringfence.simulation.chance import Floats


class Country(NamedTuple):
    """A country.

    `networks` are IPv4 blocks `(first byte, lowest second byte, highest)`; `trunk` is what is
    dialled before a national number at home.
    """

    code: str
    currency: str
    per_dollar: float
    calling_code: str
    networks: tuple[tuple[int, int, int], ...]
    trunk: str = "0"


class Place(NamedTuple):
    """A city. `phone` is the national number without its trunk digit, the area code first."""

    city: str
    region: str
    country: str
    postal: str
    phone: str
    latitude: float
    longitude: float
    utc_offset_hours: float
    weight: float


COUNTRIES = {
    country.code: country
    for country in (
        Country("US", "usd", 1.0, "1", ((12, 0, 255), (24, 0, 191), (66, 0, 255), (73, 0, 255))),
        Country("CA", "cad", 1.36, "1", ((24, 192, 255), (142, 0, 255), (206, 0, 63))),
        Country("MX", "mxn", 17.2, "52", ((187, 128, 255), (189, 128, 255)), ""),
        Country("BR", "brl", 5.1, "55", ((177, 0, 255), (179, 0, 255))),
        Country("GB", "gbp", 0.79, "44", ((81, 128, 159), (86, 0, 191))),
        Country("IE", "eur", 0.92, "353", ((86, 192, 207), (109, 76, 79))),
        Country("FR", "eur", 0.92, "33", ((62, 32, 47), (90, 0, 127))),
        Country("DE", "eur", 0.92, "49", ((79, 192, 255), (84, 128, 191))),
        Country("NL", "eur", 0.92, "31", ((82, 72, 75), (145, 96, 135))),
        Country("ES", "eur", 0.92, "34", ((83, 32, 63), (88, 0, 31)), ""),
        Country("IT", "eur", 0.92, "39", ((79, 0, 63), (93, 32, 71)), ""),
        Country("AT", "eur", 0.92, "43", ((62, 178, 178), (80, 108, 123))),
        Country("CH", "chf", 0.88, "41", ((85, 0, 7), (178, 192, 199))),
        Country("SE", "sek", 10.4, "46", ((78, 64, 79), (90, 224, 239))),
        Country("PL", "pln", 4.0, "48", ((83, 0, 31), (89, 64, 79)), ""),
        Country("JP", "jpy", 150.0, "81", ((126, 0, 255), (153, 128, 255))),
        Country("SG", "sgd", 1.34, "65", ((116, 86, 89), (175, 156, 159)), ""),
        Country("AU", "aud", 1.52, "61", ((101, 160, 191), (120, 144, 159))),
        Country("IN", "inr", 83.0, "91", ((106, 192, 223), (117, 192, 255))),
        Country("ZA", "zar", 18.5, "27", ((41, 0, 31), (105, 224, 255))),
        Country("AE", "aed", 3.67, "971", ((86, 96, 99), (94, 200, 207))),
    )
}

PLACES = (
    Place("New York", "New York", "US", "100##", "212555####", 40.71, -74.01, -5, 190),
    Place("Buffalo", "New York", "US", "142##", "716555####", 42.89, -78.88, -5, 11),
    Place("Boston", "Massachusetts", "US", "021##", "617555####", 42.36, -71.06, -5, 48),
    Place("Philadelphia", "Pennsylvania", "US", "191##", "215555####", 39.95, -75.17, -5, 60),
    Place("Pittsburgh", "Pennsylvania", "US", "152##", "412555####", 40.44, -80.00, -5, 23),
    Place("Washington", "District of Columbia", "US", "200##", "202555####", 38.91, -77.04, -5, 62),
    Place("Charlotte", "North Carolina", "US", "282##", "704555####", 35.23, -80.84, -5, 26),
    Place("Atlanta", "Georgia", "US", "303##", "404555####", 33.75, -84.39, -5, 60),
    Place("Miami", "Florida", "US", "331##", "305555####", 25.76, -80.19, -5, 61),
    Place("Tampa", "Florida", "US", "336##", "813555####", 27.95, -82.46, -5, 31),
    Place("Detroit", "Michigan", "US", "482##", "313555####", 42.33, -83.05, -5, 43),
    Place("Columbus", "Ohio", "US", "432##", "614555####", 39.96, -83.00, -5, 21),
    Place("Louisville", "Kentucky", "US", "402##", "502555####", 38.25, -85.76, -5, 12),
    Place("Nashville", "Tennessee", "US", "372##", "615555####", 36.16, -86.78, -6, 20),
    Place("New Orleans", "Louisiana", "US", "701##", "504555####", 29.95, -90.07, -6, 12),
    Place("Chicago", "Illinois", "US", "606##", "312555####", 41.88, -87.63, -6, 94),
    Place("Milwaukee", "Wisconsin", "US", "532##", "414555####", 43.04, -87.91, -6, 15),
    Place("Minneapolis", "Minnesota", "US", "554##", "612555####", 44.98, -93.27, -6, 36),
    Place("Des Moines", "Iowa", "US", "503##", "515555####", 41.59, -93.62, -6, 7),
    Place("St. Louis", "Missouri", "US", "631##", "314555####", 38.63, -90.20, -6, 28),
    Place("Omaha", "Nebraska", "US", "681##", "402555####", 41.26, -95.93, -6, 9),
    Place("Sioux Falls", "South Dakota", "US", "571##", "605555####", 43.55, -96.73, -6, 6),
    Place("Fargo", "North Dakota", "US", "581##", "701555####", 46.88, -96.79, -6, 4),
    Place("Oklahoma City", "Oklahoma", "US", "731##", "405555####", 35.47, -97.52, -6, 14),
    Place("Dallas", "Texas", "US", "752##", "214555####", 32.78, -96.80, -6, 76),
    Place("Houston", "Texas", "US", "770##", "713555####", 29.76, -95.37, -6, 71),
    Place("Austin", "Texas", "US", "787##", "512555####", 30.27, -97.74, -6, 23),
    Place("Denver", "Colorado", "US", "802##", "303555####", 39.74, -104.99, -7, 29),
    Place("Salt Lake City", "Utah", "US", "841##", "801555####", 40.76, -111.89, -7, 12),
    Place("Albuquerque", "New Mexico", "US", "871##", "505555####", 35.08, -106.65, -7, 9),
    Place("Phoenix", "Arizona", "US", "850##", "602555####", 33.45, -112.07, -7, 49),
    Place("Billings", "Montana", "US", "591##", "406555####", 45.78, -108.50, -7, 3),
    Place("Boise", "Idaho", "US", "837##", "208555####", 43.62, -116.20, -7, 8),
    Place("Las Vegas", "Nevada", "US", "891##", "702555####", 36.17, -115.14, -8, 23),
    Place("Los Angeles", "California", "US", "900##", "213555####", 34.05, -118.24, -8, 130),
    Place("Long Beach", "California", "US", "908##", "562555####", 33.77, -118.19, -8, 12),
    Place("San Francisco", "California", "US", "941##", "415555####", 37.77, -122.42, -8, 46),
    Place("San Diego", "California", "US", "921##", "619555####", 32.72, -117.16, -8, 33),
    Place("Portland", "Oregon", "US", "972##", "503555####", 45.52, -122.68, -8, 25),
    Place("Seattle", "Washington", "US", "981##", "206555####", 47.61, -122.33, -8, 40),
    Place("Anchorage", "Alaska", "US", "995##", "907555####", 61.22, -149.90, -9, 3),
    Place("Honolulu", "Hawaii", "US", "968##", "808555####", 21.31, -157.86, -10, 8),
    Place("Toronto", "Ontario", "CA", "M5@ #@#", "416555####", 43.65, -79.38, -5, 40),
    Place("Vancouver", "British Columbia", "CA", "V6@ #@#", "604555####", 49.28, -123.12, -8, 17),
    Place("Mexico City", "Mexico City", "MX", "06###", "55555#####", 19.43, -99.13, -6, 12),
    Place("São Paulo", "São Paulo", "BR", "01###-##0", "11555#####", -23.55, -46.63, -3, 12),
    Place("London", "Greater London", "GB", "SW#@ #@@", "207946####", 51.51, -0.13, 0, 50),
    Place("Manchester", "Greater Manchester", "GB", "M# #@@", "161496####", 53.48, -2.24, 0, 14),
    Place("Dublin", "Leinster", "IE", "D## @###", "1555####", 53.35, -6.26, 0, 8),
    Place("Paris", "Île-de-France", "FR", "750##", "1990#####", 48.86, 2.35, 1, 30),
    Place("Lyon", "Auvergne-Rhône-Alpes", "FR", "690##", "4990#####", 45.76, 4.84, 1, 9),
    Place("Berlin", "Berlin", "DE", "10###", "3023125###", 52.52, 13.41, 1, 18),
    Place("Munich", "Bavaria", "DE", "80###", "8999998###", 48.14, 11.58, 1, 11),
    Place("Hamburg", "Hamburg", "DE", "20###", "4066969###", 53.55, 9.99, 1, 9),
    Place("Amsterdam", "North Holland", "NL", "10## @@", "20555####", 52.37, 4.90, 1, 10),
    Place("Madrid", "Madrid", "ES", "280##", "91555####", 40.42, -3.70, 1, 16),
    Place("Milan", "Lombardy", "IT", "201##", "02555####", 45.46, 9.19, 1, 13),
    Place("Vienna", "Vienna", "AT", "1##0", "1555####", 48.21, 16.37, 1, 7),
    Place("Zurich", "Zurich", "CH", "80##", "44555####", 47.38, 8.54, 1, 6),
    Place("Stockholm", "Stockholm", "SE", "11# ##", "8465004##", 59.33, 18.07, 1, 7),
    Place("Warsaw", "Masovia", "PL", "0#-###", "22555####", 52.23, 21.01, 1, 8),
    Place("Tokyo", "Tokyo", "JP", "1##-00##", "3555#####", 35.68, 139.69, 9, 10),
    Place("Singapore", "Singapore", "SG", "##0###", "6555####", 1.35, 103.82, 8, 6),
    Place("Sydney", "New South Wales", "AU", "20##", "25550####", -33.87, 151.21, 10, 10),
    Place("Mumbai", "Maharashtra", "IN", "4000##", "22555#####", 19.08, 72.88, 5.5, 8),
    Place("Cape Town", "Western Cape", "ZA", "80##", "21555####", -33.92, 18.42, 2, 5),
    Place("Dubai", "Dubai", "AE", "000##", "4555####", 25.20, 55.27, 4, 5),
)

WEIGHTS: Floats = np.array([place.weight for place in PLACES])
COUNTRY_OF = np.array([place.country for place in PLACES])
PER_DOLLAR: Floats = np.array([COUNTRIES[place.country].per_dollar for place in PLACES])
OFFSET_SECONDS = np.array([int(place.utc_offset_hours * 3600) for place in PLACES])
CURRENCY = np.array([COUNTRIES[place.country].currency for place in PLACES], dtype=object)


def distances_km() -> Floats:
    """Great-circle distances between all places; shape `(places, places)`, haversine formula."""
    latitude = np.radians([place.latitude for place in PLACES])
    longitude = np.radians([place.longitude for place in PLACES])
    half_chord = (
        np.sin((latitude[:, None] - latitude) / 2) ** 2
        + np.cos(latitude[:, None])
        * np.cos(latitude)
        * np.sin((longitude[:, None] - longitude) / 2) ** 2
    )
    distances: Floats = 2 * 6371.0 * np.arcsin(np.sqrt(np.clip(half_chord, 0.0, 1.0)))
    return distances
