"""The demonstration's people, goods and stories: an outdoor shop that never was."""

from dataclasses import dataclass


@dataclass(frozen=True)
class CustomerStory:
    """Somebody who buys; `deposit`, and what they want back, in whole units of the shop's currency."""

    login: str
    name: str
    phone: str
    address: str
    deposit: int = 0
    withdrawal: int = 0


@dataclass(frozen=True)
class OrderStory:
    """What was ordered and what became of it: `paid` in percent of the total, `died` and `dearer` name a line."""

    login: str
    items: tuple[tuple[str, int], ...]
    paid: int = 0
    reaches: str = ""
    died: int = 0
    dearer: int = 0
    cancelled: str = ""


@dataclass(frozen=True)
class TicketStory:
    """What staff wrote to a customer, or the customer `asked`; `order` counts `ORDERS` from 0."""

    login: str
    subject: str
    text: str
    order: int | None = None
    asked: bool = False


# SKU: title, price in hundredths of the shop's currency.
PRODUCTS = {
    "TNT-2P": ("Tent Marmot, two persons", 24900),
    "TNT-4P": ("Tent Bison, four persons", 41900),
    "BAG-DN": ("Sleeping bag Down 900", 18950),
    "BAG-SM": ("Sleeping bag Summer", 6490),
    "MAT-AL": ("Sleeping mat, self-inflating", 5990),
    "PCK-65": ("Backpack Trek 65 l", 15900),
    "PCK-20": ("Daypack 20 l", 4990),
    "STV-GS": ("Gas stove Ember", 3950),
    "POT-TI": ("Titanium pot 0.9 l", 4450),
    "LMP-HD": ("Headlamp 400 lm", 3495),
    "BTL-1L": ("Steel bottle 1 l", 2250),
    "MAP-AL": ("Map set Alps, waterproof", 2999),
    "POL-CF": ("Trekking poles, carbon, pair", 8990),
    "FLT-WT": ("Water filter", 5450),
}

CUSTOMERS = (
    CustomerStory("anna", "Anna Lindqvist", "+46 70 555 0142", "Storgatan 12, 411 24 Göteborg", 900),
    CustomerStory("ben", "Ben Okafor", "+44 20 7946 0321", "7 Mill Lane, Bristol BS1 4QA", 450),
    CustomerStory("carla", "Carla Moretti", "+39 06 5550 1934", "Via dei Serpenti 8, 00184 Roma", 600),
    CustomerStory("dmitri", "Дмитрий Волков", "+7 495 555 01 77", "ул. Лесная, 5, Москва, 125047", 520),
    CustomerStory("emi", "Emi Tanaka", "+81 3 5550 0188", "2-11-3 Meguro, Tokyo 153-0063", 350),
    CustomerStory("farid", "Farid Haddad", "+33 1 55 50 01 22", "18 rue des Martyrs, 75009 Paris", 2300, 1200),
    CustomerStory("greta", "Greta Baumann", "+49 30 5550 1456", "Kastanienallee 40, 10119 Berlin", 300),
    CustomerStory("hugo", "Hugo Fernández", "+34 91 555 01 63", "Calle de la Palma 21, 28004 Madrid"),
    CustomerStory("ines", "Inês Carvalho", "+351 21 555 0119", "Rua da Rosa 77, 1200-385 Lisboa", 60),
)
LAST_CUSTOMER = CUSTOMERS[-1].login

ORDERS = (
    OrderStory("anna", (("TNT-2P", 1), ("MAT-AL", 2), ("LMP-HD", 1)), paid=100),
    OrderStory("anna", (("STV-GS", 1), ("POT-TI", 1))),
    OrderStory("anna", (("BTL-1L", 2), ("MAP-AL", 1)), paid=100, reaches="completed"),
    OrderStory("ben", (("PCK-65", 1), ("POL-CF", 1)), paid=100, reaches="ordered"),
    OrderStory("ben", (("BAG-SM", 1),)),
    OrderStory("carla", (("BAG-DN", 2), ("MAT-AL", 1)), paid=50),
    OrderStory("carla", (("LMP-HD", 2), ("FLT-WT", 1)), paid=100, reaches="packed"),
    OrderStory("dmitri", (("PCK-20", 1), ("BTL-1L", 1), ("MAP-AL", 1)), paid=100, reaches="shipped"),
    OrderStory("dmitri", (("BAG-DN", 1), ("POT-TI", 1)), paid=100, died=2),
    OrderStory("emi", (("STV-GS", 1), ("FLT-WT", 1)), paid=100, dearer=1),
    OrderStory("emi", (("MAT-AL", 1),), cancelled="Ordered twice by mistake"),
    OrderStory("farid", (("TNT-4P", 1), ("LMP-HD", 4)), paid=100, reaches="received"),
    OrderStory("farid", (("POL-CF", 1),), paid=100, cancelled="Changed plans"),
    OrderStory("greta", (("PCK-65", 1),), paid=100, reaches="completed"),
    OrderStory("greta", (("MAP-AL", 2), ("BTL-1L", 1))),
    OrderStory("hugo", (("TNT-2P", 1), ("BAG-SM", 2))),
)

TICKETS = (
    TicketStory(
        "anna", "Your tent", "The Marmot is in stock and leaves tomorrow. Would you like the footprint too?", 0
    ),
    TicketStory("carla", "Half is paid", "Thank you! We keep the sleeping bags for you until the rest arrives.", 5),
    TicketStory("dmitri", "The pot is out of stock", "We are sorry: its price is back on your balance.", 8),
    TicketStory("emi", "The stove costs more now", "The maker raised its price. Is it still fine with you?", 9),
    TicketStory(
        "anna", "Delivery on a Saturday?", "Could the tent come on Saturday? I am away all week.", 0, asked=True
    ),
    TicketStory(
        "ben", "Do you repair zips?", "The zip of my old backpack is broken. Is that something you do?", asked=True
    ),
    TicketStory("greta", "Welcome", "Ask us anything about your orders here."),
)
