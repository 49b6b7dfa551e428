"""Encodings are found out from a few names, and no name is changed without a word."""

import pytest

from bounceledger_cli.inputs.encodings import guess_encoding, is_utf8
from tests.unit.cli.runner import Ran, run

WESTERN = ("cp1252", "iso8859-15", "cp1254", "cp850", "cp437", "mac-roman")
CENTRAL = ("cp1250", "iso8859-2")
CYRILLIC = ("cp1251", "koi8-r")
NAMES: dict[str, tuple[tuple[str, ...], list[str]]] = {
    "German": (
        WESTERN,
        ["Messe Köln", "Müller GmbH", "Großhändler", "Zürich", "Düsseldorf", "Österreich", "Jäger"],
    ),
    "French": (
        WESTERN,
        ["Société Générale", "François", "Genève", "Noël", "Fête", "Hôtel", "Château", "Île"],
    ),
    "Spanish": (WESTERN, ["España", "Muñoz", "García", "Málaga", "León", "Núñez", "Cádiz"]),
    "Portuguese": (WESTERN, ["São Paulo", "João", "Camões", "Conceição", "Brasília", "Gonçalves"]),
    "Nordic": (WESTERN, ["Malmö", "Århus", "Björn", "Sørensen", "Ångström", "Lærke", "Tromsø"]),
    "Italian": (WESTERN, ["Forlì", "Niccolò", "università", "Città di Castello", "Cefalù"]),
    "Icelandic": (WESTERN, ["Þór", "Reykjavík", "Sigurðsson", "Ísafjörður"]),
    "Polish": (CENTRAL, ["Łódź", "Kraków", "Gdańsk", "Święto", "Wałęsa", "Żywiec"]),
    "Czech": (CENTRAL, ["Plzeň", "Dvořák", "Novotný", "Třebíč", "Jiří", "Česká pošta"]),
    "Hungarian": (CENTRAL, ["Győr", "Pécs", "Székesfehérvár", "Szőke", "Fűtő"]),
    "Croatian": (CENTRAL, ["Petrović", "Šibenik", "Đurđevac", "Horvatić", "Kovač"]),
    "Lithuanian": (("cp1257",), ["Šiauliai", "Klaipėda", "Žukauskas", "Panevėžys", "Kęstutis"]),
    "Latvian": (("cp1257",), ["Rīga", "Bērziņš", "Jūrmala", "Kārlis", "Ķekava"]),
    "Turkish": (("cp1254",), ["İstanbul", "Şişli", "Çağrı", "Müşteri", "Beyoğlu", "Yıldız"]),
    "Russian": (CYRILLIC, ["Москва", "Выставка", "Екатеринбург", "Рассылка", "Кузнецов"]),
    "Greek": (("cp1253",), ["Αθήνα", "Θεσσαλονίκη", "Πελάτες", "Έκθεση", "Παπαδόπουλος"]),
    "Japanese": (("shift_jis",), ["東京展示会", "名古屋", "株式会社サクラ", "顧客リスト"]),
    "Chinese": (("gb18030",), ["上海展会", "北京客户", "网络研讨会", "深圳公司"]),
    "traditional Chinese": (("big5",), ["台北展覽", "高雄公司", "客戶名單", "台灣電子"]),
    "Korean": (("euc-kr",), ["서울전시회", "부산", "고객명단", "주식회사한국"]),
}
ENGLISH = ["Acme® List", "Leads™", "“Best” Leads", "½ Price", "€uro Leads", "Dun’s", "naïve"]
CASES = [
    (language, encoding) for language, (encodings, _) in NAMES.items() for encoding in encodings
]


FURTHER = {
    WESTERN: [
        "Nestlé",
        "Citroën",
        "L’Oréal",
        "Hermès",
        "Häagen-Dazs",
        "Crédit Agricole",
        "Telefónica",
        "Bücher Müller",
        "Fußball",
        "Löwe",
        "Kärcher",
        "Nürnberg",
        "Würth",
        "Schäffler",
        "Göteborg",
        "Jönköping",
        "Umeå",
        "Ørsted",
        "Mærsk",
        "Århus",
        "Järvenpää",
        "Hämeenlinna",
        "Logroño",
        "Peñarol",
        "Córdoba",
        "Andalucía",
        "Ibáñez",
        "Pérez",
        "Gómez",
        "Florianópolis",
        "Guimarães",
        "Açores",
        "Évora",
        "Perú",
        "México",
        "Bogotá",
        "Besançon",
        "Orléans",
        "Saint-Étienne",
        "Nîmes",
        "Lefèvre",
        "Benoît",
        "Françoise",
        "Zoé",
        "Mönchengladbach",
        "Gießen",
        "Saarbrücken",
        "Schönefeld",
        "Tübingen",
        "Søborg",
        "Håndværk",
        "Ålesund",
        "Forlì",
        "Cantù",
        "Pietà",
        "Höfn",
        "Akranesbær",
    ],
    CENTRAL: [
        "Škoda",
        "Tomáš",
        "České Budějovice",
        "Žilina",
        "Košice",
        "Bratislavský",
        "Łukasz",
        "Częstochowa",
        "Poznań",
        "Wrocław",
        "Zieliński",
        "Błażej",
        "Szabó",
        "Kőbánya",
        "Debrecen Vásár",
        "Ljubljana Črnuče",
        "Žagar",
        "Međimurje",
        "Čakovec",
        "București Târg",
        "Iași",
        "Zágráb",
    ],
    ("cp1257",): [
        "Vilnius Paroda Ąžuolas",
        "Jonavos Šaltinis",
        "Mažeikiai",
        "Daugavpils Gaišs",
        "Liepājas",
        "Čiekurkalns",
        "Ogrē",
        "Ūdens",
    ],
    ("cp1254",): [
        "Eskişehir",
        "Diyarbakır",
        "Türkiye İş Bankası",
        "Gümüşhane",
        "Kadıköy",
        "Çanakkale",
        "Ağaoğlu",
        "Ümraniye",
    ],
    CYRILLIC: [
        "Сбербанк",
        "Новосибирск",
        "Лиды",
        "Иванова Мария",
        "Казань Экспо",
        "Партнёр",
        "София",
        "Київ",
    ],
    ("cp1253",): ["Πάτρα", "Ηράκλειο", "Γιάννης", "Εταιρεία", "Λάρισα"],
    ("shift_jis",): ["大阪", "株式会社トヨタ", "サンプル", "田中太郎", "ウェビナー"],
    ("gb18030",): ["广州", "中国移动", "李小龙", "客户名单", "杭州阿里"],
    ("big5",): ["臺中", "王小明", "電子報", "新竹科技"],
    ("euc-kr",): ["현대자동차", "김철수", "대전", "세미나", "고객"],
}
"""Further names by the encodings that may have their letters."""

TAKEN_FOR_ANOTHER = {("Camões", "cp850"): "Camäes"}
"""What letters cannot tell: Finnish is full of words such as mäessä, and MS-DOS is long gone."""


def listed(names: list[str], rows: int) -> str:
    lines = (f"u{row}@a.test;{names[row % len(names)]}" for row in range(rows))
    return "\r\n".join(["email;source", *lines]) + "\r\n"


def read(text: str, encoding: str) -> str | None:
    """The text as it is read; None where it is refused."""
    content = text.encode(encoding)
    if is_utf8(content):
        return content.decode()
    found = guess_encoding(content)
    return None if isinstance(found, list) else content.decode(found.encoding, "replace")


def writable(names: list[str], encoding: str) -> list[str]:
    """The names that an encoding has all letters of."""
    return [name for name in names if name.encode(encoding, "replace").decode(encoding) == name]


@pytest.mark.parametrize(("language", "encoding"), CASES)
@pytest.mark.parametrize("rows", [1, 5])
def test_one_name_is_right_or_refused(language: str, encoding: str, rows: int) -> None:
    """A list with one vendor tells little; nobody may find it under another name."""
    for name in writable(NAMES[language][1], encoding):
        text = listed([name], rows)
        other = TAKEN_FOR_ANOTHER.get((name, encoding), name)
        assert read(text, encoding) in {listed([other], rows), None}, name


@pytest.mark.parametrize(("language", "encoding"), CASES)
@pytest.mark.parametrize("rows", [5, 200])
def test_a_list_of_names_is_right(language: str, encoding: str, rows: int) -> None:
    """Five names tell the encoding, whatever it is."""
    text = listed(writable(NAMES[language][1], encoding), rows)
    assert read(text, encoding) == text


@pytest.mark.parametrize("language", ["German", "French", "Spanish", "Nordic"])
def test_what_spreadsheets_of_western_europe_write_is_hardly_ever_refused(language: str) -> None:
    """One vendor is enough for most of the everyday lists."""
    names = NAMES[language][1]
    refused = [name for name in names if read(listed([name], 5), "cp1252") is None]
    assert 3 * len(refused) < len(names), refused


@pytest.mark.parametrize("encodings", FURTHER)
def test_no_name_is_changed_without_a_word(encodings: tuple[str, ...]) -> None:
    """Being refused costs an option; a changed name is another vendor."""
    for encoding in encodings:
        for name in writable(FURTHER[encodings], encoding):
            text = listed([name], 5)
            assert read(text, encoding) in {text, None}, (name, encoding)


@pytest.mark.parametrize("name", ENGLISH)
@pytest.mark.parametrize("encoding", ["cp1252", "iso8859-15"])
def test_signs_are_not_taken_for_letters(name: str, encoding: str) -> None:
    if writable([name], encoding):
        text = listed([name], 5)
        assert read(text, encoding) in {text, None}


def classified(content: bytes, *options: str) -> Ran:
    return run("classify", "--column", "source", *options, stdin=content)


def test_an_unclear_encoding_is_refused_with_the_readings_to_choose_from() -> None:
    # GIVEN a list whose only name could be a French or a Slavic one
    content = listed(["Genève"], 5).encode("cp1252")

    # WHEN it is read THEN nothing is guessed, and the message shows what to choose from
    ran = classified(content)
    assert (ran.code, ran.out) == (2, "")
    first, *readings = ran.err.splitlines()
    assert first == (
        "bounceledger: standard input is not UTF-8, and its encoding is not certain; say which"
        " reading is right:"
    )
    assert readings == ["  --encoding cp1252       Genève", "  --encoding cp1250       Genčve"]

    # AND the choice is followed
    chosen = classified(content, "--encoding", "cp1252")
    assert {record["source"] for record in chosen.records} == {"Genève"}


@pytest.mark.parametrize("encoding", ["cp1252", "cp1250", "mac-roman", "cp850", "cp437"])
@pytest.mark.parametrize("utf8_first", [True, False])
def test_utf8_beside_another_encoding_is_an_error_in_its_line(
    encoding: str, utf8_first: bool
) -> None:
    """Two exports that were joined: neither half is read in the other's encoding."""
    # GIVEN a list of which one half is UTF-8, and the other is not
    halves = ["a@a.test;Köln\n".encode(), "b@a.test;Köln\n".encode(encoding)]
    content = b"email;source\n" + b"".join(halves if utf8_first else reversed(halves))
    line = 2 if utf8_first else 3

    # WHEN it is read THEN the line is named, and the other one is right or refused
    ran = classified(content, "--skip-bad")
    if "not certain" not in ran.err:
        assert f"standard input: line {line} is UTF-8, but the input is read as" in ran.err
        assert [record["source"] for record in ran.records] == ["Köln"]
        assert ran.code == 1


def test_words_of_two_bytes_may_look_like_utf8() -> None:
    """In Chinese, that happens by chance."""
    names = ["上海展会", "北京客户", "网络研讨会", "展览"]
    chance = [
        name
        for name in (chr(a) + chr(b) for a in range(0x4E00, 0x4F00) for b in range(0x4E00, 0x4E20))
        if len(name.encode("gb2312", "ignore")) == 4 and is_utf8(name.encode("gb2312"))
    ]
    text = listed([*names, *chance[:1]], 8)
    ran = classified(text.encode("gb18030"))
    assert ran.code == 0, ran.err
    assert {record["source"] for record in ran.records} == {*names, *chance[:1]}
