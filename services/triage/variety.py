"""Which language variety a text is in, guessed by its small words: each marker belongs to one variety only.

Darija and standard Arabic share a script, Darija in Latin letters shares one with French; their function words differ.
"""

from collections.abc import Mapping, Sequence
from itertools import repeat
from typing import Final

from ibalagh.events.vocabulary import Variety
from services.triage.normalise import clean, fold

_WORDS: Final[Mapping[Variety, str]] = {
    Variety.ARABIC: """
        هذا هذه ذلك تلك الذي التي الذين هؤلاء لقد قد سوف ليس لكن حيث عندما منذ خلال بعد قبل اريد ارجو ارجوكم
        انني انه انها كان كانت يقوم تقوم قام قامت تم يتم لدي لديه عليكم نحن هو هي احد احدهم شخص اشخاص عبر بسبب
        ايضا لم لن الي علي عن ان اذا هناك يوجد مرحبا تحيه طيبه سيدي المحترم ابلغ التبليغ يطلب ارسل ارسلت حساب
        موقع صفحه
    """,
    Variety.DARIJA: """
        ديال ديالي ديالو ديالها ديالك ديالنا ديالهم واحد هاد هادي هادشي داكشي بزاف عافاك عافاكم كاين كاينه
        مكاينش راه راها راني حيت باش واش شنو علاش فين كيفاش دابا غادي غير بغيت بغا باغي كيقول كيدير دار درت ليا
        ليه ليها لينا معايا معاه معاها عندي عندو عندها بحال حتا شي ولا مزيان خايب خويا ختي صافي والو عاد مازال
        ماشي تاني هوما حنا نتا نتي كنت كايبيع كيبيع كيهدد كيهددني صيفط صيفطت فلوس فلوسي
    """,
    Variety.DARIJA_LATIN: """
        dyal dyali dyalo dyalha dyalk dyalna dyalhom wahd wa7d wahed had hadi hadchi dakchi bzaf bezaf bzzaf
        3afak 3afakom kayn kayna makaynch rah raha rani 7it hit bach wach chno chnou 3lach fin kifach daba ghadi
        ghir bghit bgha kaygol kaydir kidir dar drt liya lya lih liha lina m3aya m3ah m3aha 3ndi 3ando 3ndo
        3ndha b7al bhal 7ta hta chi wla mzyan khayb khoya khouya khti safi walo mazal machi homa 7na hna nta nti
        kan kant salam slm ana kay kat fih fiha 3lih 3liha 3liya 3la mn men f b wlad bnat nas sat hadak hadik li
        lli kolchi dak
    """,
    Variety.FRENCH: """
        le la les un une des du de et est sont je j il elle nous vous ils mon ma mes son sa ses ce cette ces qui
        que dans sur pour avec par pas ne n ai suis etait avait ete fait bonjour merci monsieur madame depuis
        chez mais ou donc aussi au aux se sans sous plus tres quelqu quelques svp site compte jamais envoyer c d
        l qu m s
    """,
    Variety.ENGLISH: """
        the this that these those and is are was were i my me he she it his her they them their you your we our
        who which with from for have has had been on at to of not don t did doesn please hello someone people
        about there what when after before because am im an by
    """,
    Variety.SPANISH: """
        el los las unos unas y es son yo mi mis ella ellos nos que con por para una del al lo pero como cuando
        donde desde hay esta este esto estos ha he han fue era muy hola gracias senor senora alguien porque
        tambien su sus le les me te en ayuda persona personas quiero tengo estan
    """,
}
_ORDER: Final = tuple(_WORDS)
_LOOKED_AT_WORDS: Final = 200
"""Fewer than 256: the counters of all varieties stand in one number, a byte each, so that one sum counts them all."""
_NO_MARKERS: Final = repeat(0)


def _markers() -> dict[bytes, int]:
    varieties: dict[bytes, set[int]] = {}
    for number, words in enumerate(_WORDS.values()):
        for word in fold(clean(words)).split():
            varieties.setdefault(word, set()).add(number)
    return {word: 1 << 8 * numbers.pop() for word, numbers in varieties.items() if len(numbers) == 1}


_MARKERS: Final = _markers()


def guess(words: Sequence[bytes], stated: str | None = None) -> Variety:
    """The variety of folded words; where nothing tells, what the reporter stated if it is one of ours, else `und`."""
    spoken = sum(map(_MARKERS.get, words[:_LOOKED_AT_WORDS], _NO_MARKERS))
    if spoken:
        counts = spoken.to_bytes(len(_ORDER), "little")
        return _ORDER[counts.index(max(counts))]
    return Variety(stated) if stated in _ORDER else Variety.UNDETERMINED
