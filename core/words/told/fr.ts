/** What a server or an agent says in English, in French. */
import type { ToldText } from "./english.ts";

export const told: Readonly<Record<ToldText, string>> = {
  // Why a PC's part in a session ended
  "the disk read back is not this image (another root hash)":
    "le disque relu n’est pas cette image (autre empreinte racine)",
  "the server was restarted during the capture; capture again":
    "le serveur a redémarré pendant la capture ; capturez de nouveau",
  "the server was restarted and the PC has not come back":
    "le serveur a redémarré et le PC n’est pas revenu",
  "the PC was restarted during the capture": "le PC a redémarré pendant la capture",
  "the PC was restarted during the wipe; its disk may be half wiped":
    "le PC a redémarré pendant l’effacement ; son disque est peut-être à moitié effacé",
  "the PC answers, but did not get ready within a minute":
    "le PC répond, mais n’a pas été prêt en une minute",
  "the PC asked for its boot files, but its agent did not come: see its screen":
    "le PC a demandé ses fichiers de démarrage, mais son agent n’est pas venu : voyez son écran",
  "the PC was not on, or did not reach the server":
    "le PC était éteint, ou n’a pas atteint le serveur",
  "its agent did not say which chunks it wants": "son agent n’a pas dit quels blocs il veut",
  "its disk did less than {rate} MB/s for {minutes} min: check its cable and health, or replace it":
    "son disque a fait moins de {rate} Mo/s pendant {minutes} min : vérifiez son câble et sa santé, ou remplacez-le",
  "mapping its disk took more than {minutes} min":
    "l’analyse de son disque a pris plus de {minutes} min",
  "fitting its disk took more than {minutes} min":
    "l’adaptation de son disque a pris plus de {minutes} min",
  "personalising its disk took more than {minutes} min":
    "la personnalisation de son disque a pris plus de {minutes} min",
  "check the disk's health": "vérifiez la santé du disque",
  "check the disk's health, or let the room's PCs not grow (`roomcast room set ROOM --grow none`)":
    "vérifiez la santé du disque, ou n’agrandissez pas les PC de la salle (`roomcast room set ROOM --grow none`)",
  "check the disk's health, or restore with `--personalise none`":
    "vérifiez la santé du disque, ou restaurez avec `--personalise none`",
  "the agent ended without an image": "l’agent s’est terminé sans image",
  "taken out by an operator": "retiré par un opérateur",
  "the image could not be made to fit: {why}": "l’image n’a pas pu être adaptée : {why}",
  "{why}; another session has had it since": "{why} ; une autre session l’a pris depuis",
  "stopped by an operator": "arrêté par un opérateur",
  "stopped at the PC": "arrêté sur le PC",
  "{why}; it may come back": "{why} ; il peut revenir",
  "it is gone": "il a disparu",
  // A running session of another server, in a line
  "{count} of {all} verified so far.": "{count} sur {all} vérifiés jusqu’ici.",
  // Why a PC is behind, or waits
  "waits for its disk, which does {rate} KB/s: it is given up in {minutes} min unless the disk does more than {least} MB/s":
    "attend son disque, qui fait {rate} ko/s : abandon dans {minutes} min si le disque ne fait pas plus de {least} Mo/s",
  "is still mapping its disk after {minutes} min": "analyse encore son disque après {minutes} min",
  "is still fitting its disk after {minutes} min": "adapte encore son disque après {minutes} min",
  "is still personalising its disk after {minutes} min":
    "personnalise encore son disque après {minutes} min",
  "it is given up after {minutes} min": "abandon après {minutes} min",
  "waits for its disk, which takes nothing now":
    "attend son disque, qui ne prend rien en ce moment",
  "disk writes {rate}": "le disque écrit à {rate}",
  "link carries {rate}, check its cable and port":
    "le lien porte {rate}, vérifiez son câble et son port",
  "loses {loss} of the packets, check its cable and port":
    "perd {loss} des paquets, vérifiez son câble et son port",
  "the PC cannot keep up: {loss} of the packets reach it and are not taken in time":
    "le PC ne suit pas : {loss} des paquets lui arrivent et ne sont pas pris à temps",
  "the PC cannot keep up: it takes what was sent {time} s ago":
    "le PC ne suit pas : il prend ce qui a été envoyé il y a {time} s",
  "the PC cannot keep up: its processor is busy, and its disk only {percent} of the time":
    "le PC ne suit pas : son processeur est occupé, et son disque seulement {percent} du temps",
  "fell behind the others, and its figures do not show why":
    "a pris du retard sur les autres, et ses chiffres ne disent pas pourquoi",
  "waits for the image to be made to fit": "attend que l’image soit adaptée",
  "waits for {canaries}": "attend {canaries}",
  "the canary {pc}": "le PC témoin {pc}",
  "the canaries {some} and {last}": "les PC témoins {some} et {last}",
  "the canary {pc} was not verified: {why}": "le PC témoin {pc} n’a pas été vérifié : {why}",
  "the canary {pc} did not come up, {why}": "le PC témoin {pc} n’a pas démarré, {why}",
  // What an operator has to know of a session
  "{canaries} first: the others are ordered once it is verified":
    "d’abord {canaries} : les autres suivront une fois celui-ci vérifié",
  "{canaries} first: the others are ordered once they are verified":
    "d’abord {canaries} : les autres suivront une fois ceux-ci vérifiés",
  "{canaries} first: the others are ordered once it is verified and seen to come up":
    "d’abord {canaries} : les autres suivront une fois celui-ci vérifié et démarré",
  "{canaries} first: the others are ordered once they are verified and seen to come up":
    "d’abord {canaries} : les autres suivront une fois ceux-ci vérifiés et démarrés",
  "packets were forged: {count}. Something on this network sends packets in the sender's name; they are thrown away and reach no disk, but they take up the wire":
    "paquets falsifiés : {count}. Quelque chose sur ce réseau envoie des paquets au nom de l’émetteur ; ils sont jetés et n’atteignent aucun disque, mais ils occupent le réseau",
  "multicast reaches {whom}: the others are served over HTTP, each with a copy of its own, which takes {times} times the data and time. Turn on an IGMP querier on the room's switch (or its IGMP snooping off), and check that server and PCs are in one VLAN and not on Wi-Fi":
    "le multicast atteint {whom} : les autres sont servis par HTTP, chacun avec sa propre copie, ce qui prend {times} fois les données et le temps. Activez un querier IGMP sur le commutateur de la salle (ou coupez son IGMP snooping), et vérifiez que serveur et PC sont dans un même VLAN et pas en Wi-Fi",
  "none of the {count} PCs": "aucun des {count} PC",
  "only {some} of the {count} PCs": "seulement {some} PC sur {count}",
  "{names} did not come up within {time}: power, firmware order, or look at its screen":
    "pas démarré en {time} : {names} ; alimentation, ordre du micrologiciel, ou regardez son écran",
  "{names} did not come up within {time}: power, firmware order, or look at their screens":
    "pas démarrés en {time} : {names} ; alimentation, ordre du micrologiciel, ou regardez leurs écrans",
  "{names} did not come up: {why}": "pas démarré : {names} : {why}",
  // Whether a PC came up
  " within {time}: power, firmware order, or look at its screen":
    " en {time} : alimentation, ordre du micrologiciel, ou regardez son écran",
  " within {time}: power, firmware order, or look at their screens":
    " en {time} : alimentation, ordre du micrologiciel, ou regardez leurs écrans",
  ": {why}": " : {why}",
  "not seen yet": "pas encore vu",
  'up {time} after, "{name}", looks like {system}':
    "démarré après {time}, « {name} », semble être {system}",
  'up {time} after, "{name}"': "démarré après {time}, « {name} »",
  "up {time} after, looks like {system}": "démarré après {time}, semble être {system}",
  "up {time} after": "démarré après {time}",
  "missing after {time}: {why}": "absent après {time} : {why}",
  "missing: {why}": "absent : {why}",
  "nothing was seen of its own system": "rien n’a été vu de son propre système",
  "it started from the network again: firmware boot order":
    "il a redémarré par le réseau : ordre de démarrage du micrologiciel",
  "its agent is still there: it was not restarted":
    "son agent est toujours là : il n’a pas redémarré",
  "another session has had it since": "une autre session l’a pris depuis",
  "the session was ended before it was seen": "la session s’est terminée avant qu’on le voie",
  // Which disk may be written, and why not
  "{disk} is too small: it has {bytes} bytes, {why}":
    "{disk} est trop petit : il a {bytes} octets, {why}",
  "use a larger disk": "prenez un disque plus grand",
  "use a larger disk; or {instead}": "prenez un disque plus grand ; ou {instead}",
  "restore this PC in a session of its own, which makes a version of the image that fits first (not with `--fit never`), or make one with {command}":
    "restaurez ce PC dans une session à lui, qui crée d’abord une version adaptée de l’image (pas avec `--fit never`), ou créez-en une avec {command}",
  "capture the disk and restore the image, which is fitted first (a live cast is not)":
    "capturez le disque et restaurez l’image, qui est d’abord adaptée (une diffusion en direct ne l’est pas)",
  "make a version of the image that fits with {command}":
    "créez une version adaptée de l’image avec {command}",
  "{way}; or shrink partition {partition} by {bytes} bytes or more on the master":
    "{way} ; ou réduisez la partition {partition} de {bytes} octets ou plus sur le modèle",
  "{way}; or shrink partition {partition} by {bytes} bytes or more on the master and move partition {others} up to it":
    "{way} ; ou réduisez la partition {partition} de {bytes} octets ou plus sur le modèle et déplacez la partition {others} juste après elle",
  "{disk} is in use: {use}": "{disk} est utilisé : {use}",
  "unmount it or end what uses it": "démontez-le ou arrêtez ce qui l’utilise",
  "a disk is captured while nothing on it is mounted: boot the PC from the network":
    "un disque se capture quand rien n’y est monté : démarrez le PC par le réseau",
  "{disk} says that it is failing (SMART: {health})": "{disk} annonce une panne (SMART : {health})",
  "replace the disk; to use it all the same: --use-failing-disk {serial}":
    "remplacez le disque ; pour l’utiliser quand même : --use-failing-disk {serial}",
  "{disk} has sectors of {bytes} bytes, the image is of a disk with {others}: {why}":
    "{disk} a des secteurs de {bytes} octets, l’image vient d’un disque avec {others} : {why}",
  "restore it to a disk with the same logical sector size, or capture an image from such a disk":
    "restaurez-la sur un disque aux mêmes secteurs logiques, ou capturez une image d’un tel disque",
  "this PC has no disk {name} that may be used": "ce PC n’a pas de disque {name} utilisable",
  "it shows no disks at all: check its cables": "il ne montre aucun disque : vérifiez ses câbles",
  "it has {disks}": "il a {disks}",
  "this PC does not show the disk that its order is for: {disk}":
    "ce PC ne montre pas le disque que vise son ordre : {disk}",
  "check that disk's cable; to use another one, order it anew, since a retry takes the same disk (it has {disks})":
    "vérifiez le câble de ce disque ; pour en utiliser un autre, donnez l’ordre de nouveau, car un nouvel essai prend le même disque (il a {disks})",
  "which of {count} disks is meant is not clear: {disks}":
    "on ne sait pas lequel des {count} disques est visé : {disks}",
  "name one with --disk, have the room's settings single one out (`roomcast room set ROOM --disk transport=nvme`, or model=, size=, serial=), or choose it at the PC's menu":
    "nommez-en un avec --disk, désignez-le dans les réglages de la salle (`roomcast room set ROOM --disk transport=nvme`, ou model=, size=, serial=), ou choisissez-le au menu du PC",
  "none of this PC's disks is one that the room's settings allow":
    "aucun disque de ce PC n’est permis par les réglages de la salle",
  "it has {disks}; see `roomcast room show`, or name a disk with --disk":
    "il a {disks} ; voyez `roomcast room show`, ou nommez un disque avec --disk",
  "this PC shows no internal disk that can be written":
    "ce PC ne montre aucun disque interne inscriptible",
  "check the disk's cable, and in the firmware's setup that the controller is in AHCI mode, not RAID or VMD":
    "vérifiez le câble du disque, et dans le micrologiciel que le contrôleur est en mode AHCI, ni RAID ni VMD",
  // Why an order leaves a PC out
  "{pc} was never here: an operator's list names it":
    "{pc} n’est jamais venu : une liste d’opérateur le nomme",
  "boot it from the network, compare its code in `roomcast pc show {pc}` with its screen, then `roomcast pc admit {pc}`":
    "démarrez-le par le réseau, comparez son code dans `roomcast pc show {pc}` avec son écran, puis `roomcast pc admit {pc}`",
  "the key of {pc} was revoked": "la clé de {pc} a été révoquée",
  "let it in again with `roomcast pc admit {pc}`, or remove it with `roomcast pc forget {pc}`":
    "admettez-le de nouveau avec `roomcast pc admit {pc}`, ou retirez-le avec `roomcast pc forget {pc}`",
  "{pc} has its key, and other hardware than before":
    "{pc} a sa clé, mais un autre matériel qu’avant",
  "if that is right, `roomcast pc admit {pc}`": "si c’est voulu, `roomcast pc admit {pc}`",
  "{pc} is not known for sure: it may be {names}":
    "{pc} n’est pas reconnu avec certitude : ce peut être {names}",
  "say which with `roomcast pc identify {pc} --as PC`, or --new":
    "dites lequel avec `roomcast pc identify {pc} --as PC`, ou --new",
  "{pc} has proven no key yet": "{pc} n’a encore prouvé aucune clé",
  "boot it from the network, then `roomcast pc admit {pc}`":
    "démarrez-le par le réseau, puis `roomcast pc admit {pc}`",
  "nobody has placed {pc} yet": "personne n’a encore placé {pc}",
  "compare its code in `roomcast pc show {pc}` with its screen, then `roomcast pc admit {pc}`":
    "comparez son code dans `roomcast pc show {pc}` avec son écran, puis `roomcast pc admit {pc}`",
  "{pc} has no TPM, and room {room} takes only PCs with a lasting key":
    "{pc} n’a pas de TPM, et la salle {room} ne prend que des PC à clé durable",
  "move it to another room, or `roomcast room set {room} --admit placed`":
    "déplacez-le dans une autre salle, ou `roomcast room set {room} --admit placed`",
  // How well a PC is known
  "waiting: nobody has placed this PC yet": "en attente : personne n’a encore placé ce PC",
  "unproven: placed, with a key that is new at each start":
    "non prouvé : placé, avec une clé neuve à chaque démarrage",
  "placed: with a key that lasts": "placé : avec une clé durable",
  "attested: started with the same software as when it was placed":
    "attesté : démarré avec le même logiciel que lors de son placement",
  // What keeps a PC from its server
  "the server does not answer; check the cable, the switch port, and that the server runs":
    "le serveur ne répond pas ; vérifiez le câble, le port du commutateur, et que le serveur tourne",
  "the server has fallen silent; check the cable and the switch, and that the server runs":
    "le serveur s’est tu ; vérifiez le câble et le commutateur, et que le serveur tourne",
  "the server ({version}) speaks protocol {theirs}, this agent {ours}; restart this PC to get the server's agent":
    "le serveur ({version}) parle le protocole {theirs}, cet agent {ours} ; redémarrez ce PC pour avoir l’agent du serveur",
  "the server ({version}) speaks protocol {theirs}, this agent {ours}; update the server, or start the agent that came with it":
    "le serveur ({version}) parle le protocole {theirs}, cet agent {ours} ; mettez le serveur à jour, ou démarrez l’agent fourni avec lui",
  "something answers there, but it is no roomcast server; check the address and the port":
    "quelque chose répond là, mais ce n’est pas un serveur roomcast ; vérifiez l’adresse et le port",
  "the connection broke; check that the server runs":
    "la connexion s’est rompue ; vérifiez que le serveur tourne",
  "nothing listens there": "rien n’y écoute",
  "check that the server runs, and the port": "vérifiez que le serveur tourne, et le port",
  "no address is known for this name": "aucune adresse connue pour ce nom",
  "check the name, or give the address in numbers":
    "vérifiez le nom, ou donnez l’adresse en chiffres",
  "there is no way to this address": "aucun chemin vers cette adresse",
  "check the PC's own address and the cable": "vérifiez l’adresse du PC et le câble",
  "the server shows another code than this PC: somebody between them answers both; tell an operator":
    "le serveur montre un autre code que ce PC : quelqu’un entre eux répond aux deux ; prévenez un opérateur",
  "there is no connection to the server: try again": "pas de connexion au serveur : réessayez",
  "The connection to the server broke: ask again when it is back.":
    "La connexion au serveur s’est rompue : redemandez quand elle sera revenue.",
  // The menu's lock
  "The menu is locked: type the room's PIN first.":
    "Le menu est verrouillé : tapez d’abord le PIN de la salle.",
  "The server has not said yet whether this room has a PIN.":
    "Le serveur n’a pas encore dit si cette salle a un PIN.",
  "The PIN before this one is still being checked.":
    "Le PIN précédent est encore en cours de vérification.",
  "That was {whose}: it holds for {time}, and as long again after each request.":
    "C’était {whose} : il vaut {time}, et autant après chaque demande.",
  "the room's PIN": "le PIN de la salle",
  "the instructor's PIN": "le PIN de l’enseignant",
  "That was not the room's PIN. {more}": "Ce n’était pas le PIN de la salle. {more}",
  "One more, and this PC takes none for a while.":
    "Encore un, et ce PC n’en prendra plus pendant un moment.",
  "{count} more tries.": "Encore {count} essais.",
  "This PC takes the next PIN in {time}.": "Ce PC acceptera le prochain PIN dans {time}.",
  "Too many wrong PINs in this room: its menus are shut for {time}, or until an operator opens them.":
    "Trop de PIN faux dans cette salle : ses menus sont fermés pour {time}, ou jusqu’à ce qu’un opérateur les ouvre.",
  "nobody has placed this PC yet": "personne n’a encore placé ce PC",
  "tell an operator the code on this screen": "dites à un opérateur le code de cet écran",
  // What a person at a PC asks for; it follows `asks to`
  "erase its disk {disk} with zeros": "effacer son disque {disk} avec des zéros",
  "erase its disk {disk} by {method}": "effacer son disque {disk} par {method}",
  "restore {image} to its disk {disk}": "restaurer {image} sur son disque {disk}",
  "store its disk {disk} as image {image}": "enregistrer son disque {disk} comme image {image}",
  "cast its disk {disk} to {room} ({pcs})": "diffuser son disque {disk} vers {room} ({pcs})",
  "cast its disk {disk} to {room} ({pcs}), stored as image {image}":
    "diffuser son disque {disk} vers {room} ({pcs}), enregistré comme image {image}",
  // What is wrong with a PC
  "{disk} DOES NOT START: its start is empty, and there are data behind it. A restore or a wipe that did not finish leaves a disk like that. Restore it, or wipe it again, before this PC is used.":
    "{disk} NE DÉMARRE PAS : son début est vide, et il y a des données derrière. Une restauration ou un effacement inachevé laisse un tel disque. Restaurez-le, ou effacez-le de nouveau, avant d’utiliser ce PC.",
  "This PC's clock was {time} slow; it was set by the server's. Check the battery on its mainboard.":
    "L’horloge de ce PC retardait de {time} ; elle a été réglée sur le serveur. Vérifiez la pile de sa carte mère.",
  "This PC's clock was {time} fast; it was set by the server's. Check the battery on its mainboard.":
    "L’horloge de ce PC avançait de {time} ; elle a été réglée sur le serveur. Vérifiez la pile de sa carte mère.",
  "{days} days": "{days} jours",
  "The server is roomcast {theirs}, this PC runs {ours}. Make the boot image anew on the server (make initrd), then restart this PC.":
    "Le serveur est roomcast {theirs}, ce PC exécute {ours}. Refaites l’image de démarrage sur le serveur (make initrd), puis redémarrez ce PC.",
  "{count} NVMe disk hidden by Intel RST. {cure}":
    "{count} disque NVMe caché par Intel RST. {cure}",
  "No driver for Intel's RST or VMD controller {id}. {cure}":
    "Pas de pilote pour le contrôleur Intel RST ou VMD {id}. {cure}",
  "No driver for storage controller {id} ({device}). Restart and press m: another kernel may have one.":
    "Pas de pilote pour le contrôleur de stockage {id} ({device}). Redémarrez et appuyez sur m : un autre noyau en a peut-être un.",
  "NO DISK FOUND. Does the firmware's setup list one? If not: its cable, its power, its slot. If so: {cure}":
    "AUCUN DISQUE TROUVÉ. Le micrologiciel en montre-t-il un ? Sinon : son câble, son alimentation, son connecteur. Si oui : {cure}",
  "In the firmware's setup set the storage (SATA) mode to AHCI instead of RAID, RST, Optane or VMD. A Windows that was installed in the other mode starts again after one start in safe mode.":
    "Dans le micrologiciel, mettez le stockage (SATA) en mode AHCI au lieu de RAID, RST, Optane ou VMD. Un Windows installé dans l’autre mode redémarre après un démarrage en mode sans échec.",
  // The network check at a PC
  Link: "Lien",
  Address: "Adresse",
  Server: "Serveur",
  Throughput: "Débit",
  Multicast: "Multicast",
  "being looked at": "en cours d’examen",
  "no network card leads to the server: is there a driver for it? See Hardware.":
    "aucune carte réseau ne mène au serveur : y a-t-il un pilote ? Voyez Matériel.",
  "{card} has no link: check the cable, and the light at its socket.":
    "{card} n’a pas de lien : vérifiez le câble, et le voyant de la prise.",
  "{card} is up; its driver does not tell the speed":
    "{card} est active ; son pilote ne dit pas la vitesse",
  "{card} runs at {speed} Mbit/s: a cable with a broken pair, or an old switch port. It works, and holds this PC up.":
    "{card} tourne à {speed} Mbit/s : câble avec une paire rompue, ou vieux port de commutateur. Cela marche, mais ralentit ce PC.",
  "none: DHCP has not answered. Check the server, the port's VLAN, and spanning tree (up to a minute after the link).":
    "aucune : DHCP n’a pas répondu. Vérifiez le serveur, le VLAN du port, et le spanning tree (jusqu’à une minute après le lien).",
  "{answer}. Check that it runs, and is on this network.":
    "{answer}. Vérifiez qu’il tourne, et qu’il est sur ce réseau.",
  "answers in {time} ms": "répond en {time} ms",
  "answers in {time} ms: it is busy, or far away": "répond en {time} ms : il est occupé, ou loin",
  "{rate}, of a link of {speed} Mbit/s: others use the wire now, or a cable is bad":
    "{rate}, sur un lien de {speed} Mbit/s : d’autres utilisent le réseau, ou un câble est mauvais",
  "nothing arrives: IGMP snooping without a querier, another VLAN, or Wi-Fi. This PC is served over HTTP, slower.":
    "rien n’arrive : IGMP snooping sans querier, autre VLAN, ou Wi-Fi. Ce PC est servi par HTTP, plus lent.",
  "{received} of {sent} packets, loss {loss}": "{received} paquets sur {sent}, pertes {loss}",
  "{received} of {sent} packets, loss {loss}: check the cable, then the switch port":
    "{received} paquets sur {sent}, pertes {loss} : vérifiez le câble, puis le port du commutateur",
  // The check of a room's network
  "{names}: no answer": "{names} : pas de réponse",
  "see the PC's screen; an older agent cannot be asked: restart the PC":
    "voyez l’écran du PC ; un agent plus ancien ne répond pas : redémarrez le PC",
  "see the PC's screen": "voyez l’écran du PC",
  "{names}: {speed} Mbit/s, others {others}: cable or port":
    "{names} : {speed} Mbit/s, les autres {others} : câble ou port",
  "check all eight wires of its cable, and its switch port":
    "vérifiez les huit fils de son câble, et son port de commutateur",
  "half duplex: its port or its adapter is set by hand":
    "half duplex : son port ou sa carte est réglé à la main",
  "set both ends to negotiate": "mettez les deux bouts en négociation automatique",
  "check its cable and its switch port": "vérifiez son câble et son port de commutateur",
  "change its cable, then its switch port": "changez son câble, puis son port de commutateur",
  "{loss} lost at {rate}, none at {before}": "{loss} perdus à {rate}, aucun à {before}",
  "no multicast: snooping without a querier on their switch":
    "pas de multicast : snooping sans querier sur leur commutateur",
  "turn on the switch's IGMP querier, or turn off its IGMP snooping":
    "activez le querier IGMP du commutateur, ou coupez son IGMP snooping",
  "no multicast reaches it": "aucun multicast ne l’atteint",
  "check that it is in the server's VLAN, and that no firewall or access point stands between":
    "vérifiez qu’il est dans le VLAN du serveur, sans pare-feu ni point d’accès entre les deux",
  "most PCs lose packets from {rate} on":
    "la plupart des PC perdent des paquets à partir de {rate}",
  "the switch, or the server's own port and cable, carries no more than that":
    "le commutateur, ou le port et le câble du serveur, ne porte pas plus",
  "all ports have {speed} Mbit/s: switch or cables":
    "tous les ports ont {speed} Mbit/s : commutateur ou câbles",
  "no port has more than {speed} Mbit/s: switch or cables":
    "aucun port n’a plus de {speed} Mbit/s : commutateur ou câbles",
  "a faster switch, or cables with all eight wires: the server sends {rate}":
    "un commutateur plus rapide, ou des câbles à huit fils : le serveur envoie à {rate}",
  "{well} of {all} PCs hear all of it": "{well} PC sur {all} entendent tout",
  "{well} of {all} PCs hear all that their ports carry":
    "{well} PC sur {all} entendent tout ce que portent leurs ports",
  "the room hears {rate} whole: {image} ({size} as it is stored) takes {time} or more":
    "la salle entend {rate} en entier : {image} ({size} telle que stockée) prend {time} ou plus",
  "the room hears {rate} whole: each {size} GB of an image (as it is stored) take {time} or more":
    "la salle entend {rate} en entier : chaque tranche de {size} Go d’une image (telle que stockée) prend {time} ou plus",
  // What a setting of a room has to be
  "It has to be a number of bits from 8 to 30, or auto.":
    "Il faut un nombre de bits de 8 à 30, ou auto.",
  "It has to be a number of seconds from 1 to 300.": "Il faut un nombre de secondes de 1 à 300.",
};
