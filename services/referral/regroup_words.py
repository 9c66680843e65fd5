"""The words about merging and splitting cases and opening them again, for `words`."""

from collections.abc import Mapping
from typing import Final

REGROUPING: Final[Mapping[str, tuple[str, str, str, str]]] = {
    # key: Arabic, French, English, Spanish
    "regroup": ("ضم القضايا وفصلها", "Joindre et disjoindre", "Merge and split", "Acumular y separar"),
    "merge": ("ضم قضية إلى أخرى", "Joindre un dossier", "Merge a case", "Acumular un caso"),
    "merge_number": (
        "رقم القضية التي تُضم إلى هذه",
        "Numéro du dossier à joindre à celui-ci",
        "Number of the case to merge into this one",
        "Número del caso que se acumula a este",
    ),
    "merge_preview": (
        "عرض ما سيحدث",
        "Voir ce qui se passera",
        "See what would happen",
        "Ver qué ocurriría",
    ),
    "merge_stays": ("تبقى", "Reste", "Stays", "Queda"),
    "merge_goes": ("تُضم", "Est joint", "Is merged", "Se acumula"),
    "merge_after": ("بعد الضم", "Après", "Afterwards", "Después"),
    "merge_explained": (
        "تنتقل تبليغات القضية المضمومة والمشتبه فيهم إلى القضية الباقية، ويسري أقرب الأجلين. ويمكن التراجع عن ذلك.",
        "Les signalements et les suspects du dossier joint vont au dossier qui reste ; l’échéance la plus proche vaut. "
        "Cela peut être défait.",
        "The merged case’s reports and suspects go to the one that stays; the nearer deadline holds. It can be undone.",
        "Los avisos y sospechosos del caso acumulado pasan al que queda; vale el plazo más próximo. Puede deshacerse.",
    ),
    "needs_second": (
        "القضيتان عند مصلحتين مختلفتين: يلزم أن يطلب شخص ثان الأمر نفسه.",
        "Les dossiers sont à deux services : une seconde personne doit demander la même chose.",
        "The cases are at two services: a second person has to ask for the same.",
        "Los casos están en dos servicios: una segunda persona debe pedir lo mismo.",
    ),
    "waits_for_second": (
        "اقتُرح الضم وينتظر شخصا ثانيا.",
        "La jonction est proposée ; elle attend une seconde personne.",
        "The merge is proposed and waits for a second person.",
        "La acumulación está propuesta y espera a una segunda persona.",
    ),
    "other_case": ("القضية الأخرى", "L’autre dossier", "The other case", "El otro caso"),
    "split": ("فصل تبليغات", "Disjoindre des signalements", "Split off reports", "Separar avisos"),
    "split_choose": (
        "التبليغات التي تصير قضية مستقلة",
        "Signalements qui feront un dossier à part",
        "Reports that become a case of their own",
        "Avisos que formarán un caso propio",
    ),
    "split_explained": (
        "تكون القضية الجديدة عند المصلحة نفسها وفي الوضع والأجل نفسيهما. ويبقى المشتبه فيهم في هذه القضية.",
        "Le nouveau dossier est au même service, au même état, avec la même échéance. Les suspects restent ici.",
        "The new case is at the same service, as far along and with the same deadline. Suspects stay here.",
        "El caso nuevo está en el mismo servicio, estado y plazo. Los sospechosos quedan aquí.",
    ),
    "nothing_ticked": (
        "لم يُحدد أي تبليغ.",
        "Aucun signalement choisi.",
        "No report is ticked.",
        "Ningún aviso marcado.",
    ),
    "undo": ("تراجع", "Défaire", "Undo", "Deshacer"),
    "undo_merge": ("التراجع عن الضم", "Défaire la jonction", "Undo the merge", "Deshacer la acumulación"),
    "undo_split": ("التراجع عن الفصل", "Défaire la disjonction", "Undo the split", "Deshacer la separación"),
    "reopen": ("إعادة فتح القضية", "Rouvrir le dossier", "Open the case again", "Reabrir el caso"),
    "merged_cases": ("القضايا المضمومة", "Dossiers joints", "Merged cases", "Casos acumulados"),
    "split_off_cases": ("القضايا المفصولة", "Dossiers disjoints", "Cases split off", "Casos separados"),
    "split_from": (
        "القضية التي فُصلت عنها",
        "Le dossier dont il a été disjoint",
        "The case that it was split off",
        "El caso del que se separó",
    ),
    "led_here": (
        "القضية المطلوبة ضُمت إلى هذه.",
        "Le dossier demandé est joint à celui-ci.",
        "The case that was asked for is merged into this one.",
        "El caso pedido está acumulado a este.",
    ),
    "back_to_case": ("العودة إلى القضية", "Retour au dossier", "Back to the case", "Volver al caso"),
    "merged_mark": ("مضمومة", "Joint", "Merged", "Acumulado"),
    # why it was refused
    "case_merged": (
        "ضُمت هذه القضية إلى أخرى.",
        "Ce dossier est joint à un autre.",
        "This case is merged into another.",
        "Este caso está acumulado a otro.",
    ),
    "case_closed": ("القضية مغلقة.", "Le dossier est clos.", "The case is closed.", "El caso está cerrado."),
    "case_not_closed": (
        "القضية ليست مغلقة.",
        "Le dossier n’est pas clos.",
        "The case is not closed.",
        "El caso no está cerrado.",
    ),
    "case_without_reports": (
        "ستبقى قضية دون تبليغ.",
        "Un dossier resterait sans signalement.",
        "A case would be left without a report.",
        "Un caso quedaría sin avisos.",
    ),
    "same_case": ("هي القضية نفسها.", "C’est le même dossier.", "It is the same case.", "Es el mismo caso."),
    "other_is_further": (
        "القضية الأخرى أكثر تقدما: فلتُضم هذه إليها.",
        "L’autre dossier est plus avancé : joignez plutôt celui-ci à l’autre.",
        "The other case is further along: merge this one into it instead.",
        "El otro caso está más avanzado: acumule este a aquel.",
    ),
    "suspect_in_both": (
        "المرجع نفسه لمشتبه فيه موجود في القضيتين، ولا يُعرف هل هو شخص واحد.",
        "Une même référence de suspect est dans les deux dossiers ; on ne sait si c’est une seule personne.",
        "Both cases have a suspect with the same reference; whether that is one person is not known.",
        "Ambos casos tienen un sospechoso con la misma referencia; no se sabe si es una persona.",
    ),
    "report_not_in_case": (
        "تبليغ ليس في هذه القضية.",
        "Un signalement n’est pas dans ce dossier.",
        "A report is not in this case.",
        "Un aviso no está en este caso.",
    ),
    "nothing_to_undo": (
        "لا شيء يمكن التراجع عنه.",
        "Il n’y a rien à défaire.",
        "There is nothing to undo.",
        "No hay nada que deshacer.",
    ),
    # what happened
    "case.merged": ("ضم قضية", "Dossiers joints", "Cases merged", "Casos acumulados"),
    "case.merge_undone": ("تراجع عن الضم", "Jonction défaite", "Merge undone", "Acumulación deshecha"),
    "case.split": ("فصل قضية", "Dossier disjoint", "Case split", "Caso separado"),
    "case.split_undone": ("تراجع عن الفصل", "Disjonction défaite", "Split undone", "Separación deshecha"),
    "case.reopened": ("إعادة فتح", "Dossier rouvert", "Case opened again", "Caso reabierto"),
    "other_case_id": ("القضية الأخرى", "Autre dossier", "Other case", "Otro caso"),
    "part": ("هذه القضية", "Ce dossier", "This case", "Este caso"),
    "kept": ("بقيت", "est resté", "stayed", "quedó"),
    "other": ("ضُمت أو فُصلت", "a été joint ou disjoint", "was merged or split off", "fue acumulado o separado"),
}
