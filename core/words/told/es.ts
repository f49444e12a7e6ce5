/** What a server or an agent says in English, in Spanish. */
import type { ToldText } from "./english.ts";

export const told: Readonly<Record<ToldText, string>> = {
  // Why a PC's part in a session ended
  "the disk read back is not this image (another root hash)":
    "el disco releído no es esta imagen (otra huella raíz)",
  "the server was restarted during the capture; capture again":
    "el servidor se reinició durante la captura; capture de nuevo",
  "the server was restarted and the PC has not come back":
    "el servidor se reinició y el PC no ha vuelto",
  "the PC was restarted during the capture": "el PC se reinició durante la captura",
  "the PC was restarted during the wipe; its disk may be half wiped":
    "el PC se reinició durante el borrado; su disco puede estar a medio borrar",
  "the PC answers, but did not get ready within a minute":
    "el PC responde, pero no estuvo listo en un minuto",
  "the PC asked for its boot files, but its agent did not come: see its screen":
    "el PC pidió sus archivos de arranque, pero su agente no llegó: vea su pantalla",
  "the PC was not on, or did not reach the server": "el PC estaba apagado o no llegó al servidor",
  "its agent did not say which chunks it wants": "su agente no dijo qué bloques quiere",
  "its disk did less than {rate} MB/s for {minutes} min: check its cable and health, or replace it":
    "su disco no pasó de {rate} MB/s durante {minutes} min: revise el cable y su estado, o cámbielo",
  "mapping its disk took more than {minutes} min":
    "el análisis de su disco tardó más de {minutes} min",
  "fitting its disk took more than {minutes} min":
    "la adaptación de su disco tardó más de {minutes} min",
  "personalising its disk took more than {minutes} min":
    "la personalización de su disco tardó más de {minutes} min",
  "check the disk's health": "revise el estado del disco",
  "check the disk's health, or let the room's PCs not grow (`roomcast room set ROOM --grow none`)":
    "revise el estado del disco, o no haga crecer los PC de la sala (`roomcast room set ROOM --grow none`)",
  "check the disk's health, or restore with `--personalise none`":
    "revise el estado del disco, o restaure con `--personalise none`",
  "the agent ended without an image": "el agente terminó sin imagen",
  "taken out by an operator": "retirado por un operador",
  "the image could not be made to fit: {why}": "no se pudo adaptar la imagen: {why}",
  "{why}; another session has had it since": "{why}; otra sesión lo ha tenido después",
  "stopped by an operator": "detenido por un operador",
  "stopped at the PC": "detenido en el PC",
  "{why}; it may come back": "{why}; puede volver",
  "it is gone": "ha desaparecido",
  // A running session of another server, in a line
  "{count} of {all} verified so far.": "{count} de {all} verificados hasta ahora.",
  // Why a PC is behind, or waits
  "waits for its disk, which does {rate} KB/s: it is given up in {minutes} min unless the disk does more than {least} MB/s":
    "espera a su disco, que va a {rate} kB/s: se abandona en {minutes} min si el disco no pasa de {least} MB/s",
  "is still mapping its disk after {minutes} min": "tras {minutes} min sigue analizando su disco",
  "is still fitting its disk after {minutes} min": "tras {minutes} min sigue adaptando su disco",
  "is still personalising its disk after {minutes} min":
    "tras {minutes} min sigue personalizando su disco",
  "it is given up after {minutes} min": "se abandona a los {minutes} min",
  "waits for its disk, which takes nothing now": "espera a su disco, que ahora no toma nada",
  "disk writes {rate}": "el disco escribe a {rate}",
  "link carries {rate}, check its cable and port":
    "el enlace lleva {rate}, revise su cable y su puerto",
  "loses {loss} of the packets, check its cable and port":
    "pierde {loss} de los paquetes, revise su cable y su puerto",
  "the PC cannot keep up: {loss} of the packets reach it and are not taken in time":
    "el PC no da abasto: {loss} de los paquetes le llegan y no se toman a tiempo",
  "the PC cannot keep up: it takes what was sent {time} s ago":
    "el PC no da abasto: toma lo que se envió hace {time} s",
  "the PC cannot keep up: its processor is busy, and its disk only {percent} of the time":
    "el PC no da abasto: su procesador está ocupado, y su disco solo el {percent} del tiempo",
  "fell behind the others, and its figures do not show why":
    "se quedó atrás, y sus cifras no muestran por qué",
  "waits for the image to be made to fit": "espera a que se adapte la imagen",
  "waits for {canaries}": "espera a {canaries}",
  "the canary {pc}": "el PC de prueba {pc}",
  "the canaries {some} and {last}": "los PC de prueba {some} y {last}",
  "the canary {pc} was not verified: {why}": "el PC de prueba {pc} no se verificó: {why}",
  "the canary {pc} did not come up, {why}": "el PC de prueba {pc} no arrancó, {why}",
  // What an operator has to know of a session
  "{canaries} first: the others are ordered once it is verified":
    "primero {canaries}: los demás siguen cuando esté verificado",
  "{canaries} first: the others are ordered once they are verified":
    "primero {canaries}: los demás siguen cuando estén verificados",
  "{canaries} first: the others are ordered once it is verified and seen to come up":
    "primero {canaries}: los demás siguen cuando esté verificado y haya arrancado",
  "{canaries} first: the others are ordered once they are verified and seen to come up":
    "primero {canaries}: los demás siguen cuando estén verificados y hayan arrancado",
  "packets were forged: {count}. Something on this network sends packets in the sender's name; they are thrown away and reach no disk, but they take up the wire":
    "paquetes falsificados: {count}. Algo en esta red envía paquetes en nombre del emisor; se descartan y no llegan a ningún disco, pero ocupan la red",
  "multicast reaches {whom}: the others are served over HTTP, each with a copy of its own, which takes {times} times the data and time. Turn on an IGMP querier on the room's switch (or its IGMP snooping off), and check that server and PCs are in one VLAN and not on Wi-Fi":
    "el multicast llega a {whom}: los demás se sirven por HTTP, cada uno con su propia copia, lo que lleva {times} veces los datos y el tiempo. Active un querier IGMP en el switch de la sala (o desactive su IGMP snooping), y compruebe que servidor y PC están en una misma VLAN y no en Wi-Fi",
  "none of the {count} PCs": "ninguno de los {count} PC",
  "only {some} of the {count} PCs": "solo {some} de los {count} PC",
  "{names} did not come up within {time}: power, firmware order, or look at its screen":
    "no arrancó en {time}: {names}; alimentación, orden del firmware, o mire su pantalla",
  "{names} did not come up within {time}: power, firmware order, or look at their screens":
    "no arrancaron en {time}: {names}; alimentación, orden del firmware, o mire sus pantallas",
  "{names} did not come up: {why}": "no arrancó: {names}: {why}",
  // Whether a PC came up
  " within {time}: power, firmware order, or look at its screen":
    " en {time}: alimentación, orden del firmware, o mire su pantalla",
  " within {time}: power, firmware order, or look at their screens":
    " en {time}: alimentación, orden del firmware, o mire sus pantallas",
  ": {why}": ": {why}",
  "not seen yet": "aún no se ha visto",
  'up {time} after, "{name}", looks like {system}':
    "arrancó a los {time}, «{name}», parece {system}",
  'up {time} after, "{name}"': "arrancó a los {time}, «{name}»",
  "up {time} after, looks like {system}": "arrancó a los {time}, parece {system}",
  "up {time} after": "arrancó a los {time}",
  "missing after {time}: {why}": "ausente tras {time}: {why}",
  "missing: {why}": "ausente: {why}",
  "nothing was seen of its own system": "no se vio nada de su propio sistema",
  "it started from the network again: firmware boot order":
    "arrancó otra vez por la red: orden de arranque del firmware",
  "its agent is still there: it was not restarted": "su agente sigue ahí: no se reinició",
  "another session has had it since": "otra sesión lo ha tenido después",
  "the session was ended before it was seen": "la sesión terminó antes de verlo",
  // Which disk may be written, and why not
  "{disk} is too small: it has {bytes} bytes, {why}":
    "{disk} es demasiado pequeño: tiene {bytes} bytes, {why}",
  "use a larger disk": "use un disco mayor",
  "use a larger disk; or {instead}": "use un disco mayor; o {instead}",
  "restore this PC in a session of its own, which makes a version of the image that fits first (not with `--fit never`), or make one with {command}":
    "restaure este PC en una sesión propia, que antes crea una versión adaptada de la imagen (no con `--fit never`), o cree una con {command}",
  "capture the disk and restore the image, which is fitted first (a live cast is not)":
    "capture el disco y restaure la imagen, que antes se adapta (una emisión en directo no)",
  "make a version of the image that fits with {command}":
    "cree una versión adaptada de la imagen con {command}",
  "{way}; or shrink partition {partition} by {bytes} bytes or more on the master":
    "{way}; o reduzca la partición {partition} en {bytes} bytes o más en el modelo",
  "{way}; or shrink partition {partition} by {bytes} bytes or more on the master and move partition {others} up to it":
    "{way}; o reduzca la partición {partition} en {bytes} bytes o más en el modelo y mueva junto a ella la partición {others}",
  "{disk} is in use: {use}": "{disk} está en uso: {use}",
  "unmount it or end what uses it": "desmóntelo o cierre lo que lo usa",
  "a disk is captured while nothing on it is mounted: boot the PC from the network":
    "un disco se captura sin nada montado: arranque el PC por la red",
  "{disk} says that it is failing (SMART: {health})":
    "{disk} avisa de que está fallando (SMART: {health})",
  "replace the disk; to use it all the same: --use-failing-disk {serial}":
    "cambie el disco; para usarlo de todos modos: --use-failing-disk {serial}",
  "{disk} has sectors of {bytes} bytes, the image is of a disk with {others}: {why}":
    "{disk} tiene sectores de {bytes} bytes, la imagen es de un disco con {others}: {why}",
  "restore it to a disk with the same logical sector size, or capture an image from such a disk":
    "restáurela en un disco con el mismo sector lógico, o capture una imagen de un disco así",
  "this PC has no disk {name} that may be used":
    "este PC no tiene un disco {name} que se pueda usar",
  "it shows no disks at all: check its cables": "no muestra ningún disco: revise sus cables",
  "it has {disks}": "tiene {disks}",
  "this PC does not show the disk that its order is for: {disk}":
    "este PC no muestra el disco para el que es su orden: {disk}",
  "check that disk's cable; to use another one, order it anew, since a retry takes the same disk (it has {disks})":
    "revise el cable de ese disco; para usar otro, ordénelo de nuevo, pues un reintento toma el mismo disco (tiene {disks})",
  "which of {count} disks is meant is not clear: {disks}":
    "no está claro cuál de los {count} discos se quiere: {disks}",
  "name one with --disk, have the room's settings single one out (`roomcast room set ROOM --disk transport=nvme`, or model=, size=, serial=), or choose it at the PC's menu":
    "nombre uno con --disk, señálelo en los ajustes de la sala (`roomcast room set ROOM --disk transport=nvme`, o model=, size=, serial=), o elíjalo en el menú del PC",
  "none of this PC's disks is one that the room's settings allow":
    "ningún disco de este PC está permitido por los ajustes de la sala",
  "it has {disks}; see `roomcast room show`, or name a disk with --disk":
    "tiene {disks}; vea `roomcast room show`, o nombre un disco con --disk",
  "this PC shows no internal disk that can be written":
    "este PC no muestra ningún disco interno que se pueda escribir",
  "check the disk's cable, and in the firmware's setup that the controller is in AHCI mode, not RAID or VMD":
    "revise el cable del disco, y en el firmware que el controlador esté en modo AHCI, no RAID ni VMD",
  // Why an order leaves a PC out
  "{pc} was never here: an operator's list names it":
    "{pc} nunca estuvo aquí: lo nombra una lista de un operador",
  "boot it from the network, compare its code in `roomcast pc show {pc}` with its screen, then `roomcast pc admit {pc}`":
    "arránquelo por la red, compare su código en `roomcast pc show {pc}` con su pantalla, y luego `roomcast pc admit {pc}`",
  "the key of {pc} was revoked": "se revocó la clave de {pc}",
  "let it in again with `roomcast pc admit {pc}`, or remove it with `roomcast pc forget {pc}`":
    "admítalo de nuevo con `roomcast pc admit {pc}`, o quítelo con `roomcast pc forget {pc}`",
  "{pc} has its key, and other hardware than before":
    "{pc} tiene su clave, y otro hardware que antes",
  "if that is right, `roomcast pc admit {pc}`": "si es correcto, `roomcast pc admit {pc}`",
  "{pc} is not known for sure: it may be {names}":
    "no se sabe con certeza quién es {pc}: puede ser {names}",
  "say which with `roomcast pc identify {pc} --as PC`, or --new":
    "diga cuál con `roomcast pc identify {pc} --as PC`, o --new",
  "{pc} has proven no key yet": "{pc} aún no ha probado ninguna clave",
  "boot it from the network, then `roomcast pc admit {pc}`":
    "arránquelo por la red, y luego `roomcast pc admit {pc}`",
  "nobody has placed {pc} yet": "nadie ha colocado aún {pc}",
  "compare its code in `roomcast pc show {pc}` with its screen, then `roomcast pc admit {pc}`":
    "compare su código en `roomcast pc show {pc}` con su pantalla, y luego `roomcast pc admit {pc}`",
  "{pc} has no TPM, and room {room} takes only PCs with a lasting key":
    "{pc} no tiene TPM, y la sala {room} solo admite PC con clave duradera",
  "move it to another room, or `roomcast room set {room} --admit placed`":
    "muévalo a otra sala, o `roomcast room set {room} --admit placed`",
  // How well a PC is known
  "waiting: nobody has placed this PC yet": "en espera: nadie ha colocado aún este PC",
  "unproven: placed, with a key that is new at each start":
    "sin prueba: colocado, con una clave nueva en cada arranque",
  "placed: with a key that lasts": "colocado: con una clave duradera",
  "attested: started with the same software as when it was placed":
    "atestado: arrancado con el mismo software que al colocarlo",
  // What keeps a PC from its server
  "the server does not answer; check the cable, the switch port, and that the server runs":
    "el servidor no responde; revise el cable, el puerto del switch y que el servidor funcione",
  "the server has fallen silent; check the cable and the switch, and that the server runs":
    "el servidor ha enmudecido; revise el cable y el switch, y que el servidor funcione",
  "the server ({version}) speaks protocol {theirs}, this agent {ours}; restart this PC to get the server's agent":
    "el servidor ({version}) habla el protocolo {theirs}, este agente {ours}; reinicie este PC para tener el agente del servidor",
  "the server ({version}) speaks protocol {theirs}, this agent {ours}; update the server, or start the agent that came with it":
    "el servidor ({version}) habla el protocolo {theirs}, este agente {ours}; actualice el servidor, o arranque el agente que venía con él",
  "something answers there, but it is no roomcast server; check the address and the port":
    "algo responde ahí, pero no es un servidor roomcast; revise la dirección y el puerto",
  "the connection broke; check that the server runs":
    "la conexión se cortó; compruebe que el servidor funciona",
  "nothing listens there": "nada escucha ahí",
  "check that the server runs, and the port": "compruebe que el servidor funciona, y el puerto",
  "no address is known for this name": "no se conoce ninguna dirección para este nombre",
  "check the name, or give the address in numbers":
    "revise el nombre, o dé la dirección en números",
  "there is no way to this address": "no hay camino a esta dirección",
  "check the PC's own address and the cable": "revise la dirección del propio PC y el cable",
  "the server shows another code than this PC: somebody between them answers both; tell an operator":
    "el servidor muestra otro código que este PC: alguien entre ambos responde a los dos; avise a un operador",
  "there is no connection to the server: try again":
    "no hay conexión con el servidor: inténtelo de nuevo",
  "The connection to the server broke: ask again when it is back.":
    "Se cortó la conexión con el servidor: pida de nuevo cuando vuelva.",
  // The menu's lock
  "The menu is locked: type the room's PIN first.":
    "El menú está bloqueado: escriba primero el PIN de la sala.",
  "The server has not said yet whether this room has a PIN.":
    "El servidor aún no ha dicho si esta sala tiene un PIN.",
  "The PIN before this one is still being checked.": "El PIN anterior aún se está comprobando.",
  "That was {whose}: it holds for {time}, and as long again after each request.":
    "Era {whose}: vale {time}, y otro tanto tras cada petición.",
  "the room's PIN": "el PIN de la sala",
  "the instructor's PIN": "el PIN del profesor",
  "That was not the room's PIN. {more}": "Ese no era el PIN de la sala. {more}",
  "One more, and this PC takes none for a while.":
    "Uno más, y este PC no acepta ninguno por un rato.",
  "{count} more tries.": "Quedan {count} intentos.",
  "This PC takes the next PIN in {time}.": "Este PC acepta el próximo PIN en {time}.",
  "Too many wrong PINs in this room: its menus are shut for {time}, or until an operator opens them.":
    "Demasiados PIN erróneos en esta sala: sus menús quedan cerrados {time}, o hasta que un operador los abra.",
  "nobody has placed this PC yet": "nadie ha colocado aún este PC",
  "tell an operator the code on this screen": "diga a un operador el código de esta pantalla",
  // What a person at a PC asks for; it follows `asks to`
  "erase its disk {disk} with zeros": "borrar su disco {disk} con ceros",
  "erase its disk {disk} by {method}": "borrar su disco {disk} por {method}",
  "restore {image} to its disk {disk}": "restaurar {image} en su disco {disk}",
  "store its disk {disk} as image {image}": "guardar su disco {disk} como imagen {image}",
  "cast its disk {disk} to {room} ({pcs})": "emitir su disco {disk} a {room} ({pcs})",
  "cast its disk {disk} to {room} ({pcs}), stored as image {image}":
    "emitir su disco {disk} a {room} ({pcs}), guardado como imagen {image}",
  // What is wrong with a PC
  "{disk} DOES NOT START: its start is empty, and there are data behind it. A restore or a wipe that did not finish leaves a disk like that. Restore it, or wipe it again, before this PC is used.":
    "{disk} NO ARRANCA: su comienzo está vacío, y hay datos detrás. Una restauración o un borrado sin terminar deja un disco así. Restáurelo, o bórrelo de nuevo, antes de usar este PC.",
  "This PC's clock was {time} slow; it was set by the server's. Check the battery on its mainboard.":
    "El reloj de este PC iba atrasado {time}; se ajustó con el del servidor. Revise la pila de su placa base.",
  "This PC's clock was {time} fast; it was set by the server's. Check the battery on its mainboard.":
    "El reloj de este PC iba adelantado {time}; se ajustó con el del servidor. Revise la pila de su placa base.",
  "{days} days": "{days} días",
  "The server is roomcast {theirs}, this PC runs {ours}. Make the boot image anew on the server (make initrd), then restart this PC.":
    "El servidor es roomcast {theirs}, este PC ejecuta {ours}. Rehaga la imagen de arranque en el servidor (make initrd) y reinicie este PC.",
  "{count} NVMe disk hidden by Intel RST. {cure}":
    "{count} disco NVMe oculto por Intel RST. {cure}",
  "No driver for Intel's RST or VMD controller {id}. {cure}":
    "Sin controlador para el Intel RST o VMD {id}. {cure}",
  "No driver for storage controller {id} ({device}). Restart and press m: another kernel may have one.":
    "Sin controlador para el almacenamiento {id} ({device}). Reinicie y pulse m: otro núcleo puede tenerlo.",
  "NO DISK FOUND. Does the firmware's setup list one? If not: its cable, its power, its slot. If so: {cure}":
    "NO SE ENCONTRÓ DISCO. ¿Lo muestra el firmware? Si no: su cable, su alimentación, su ranura. Si sí: {cure}",
  "In the firmware's setup set the storage (SATA) mode to AHCI instead of RAID, RST, Optane or VMD. A Windows that was installed in the other mode starts again after one start in safe mode.":
    "En el firmware ponga el almacenamiento (SATA) en modo AHCI en vez de RAID, RST, Optane o VMD. Un Windows instalado en el otro modo arranca de nuevo tras un arranque en modo seguro.",
  // The network check at a PC
  Link: "Enlace",
  Address: "Dirección",
  Server: "Servidor",
  Throughput: "Caudal",
  Multicast: "Multicast",
  "being looked at": "en examen",
  "no network card leads to the server: is there a driver for it? See Hardware.":
    "ninguna tarjeta de red lleva al servidor: ¿hay controlador? Vea Hardware.",
  "{card} has no link: check the cable, and the light at its socket.":
    "{card} no tiene enlace: revise el cable y la luz de la toma.",
  "{card} is up; its driver does not tell the speed":
    "{card} está activa; su controlador no dice la velocidad",
  "{card} runs at {speed} Mbit/s: a cable with a broken pair, or an old switch port. It works, and holds this PC up.":
    "{card} va a {speed} Mbit/s: cable con un par roto, o puerto de switch antiguo. Funciona, pero frena este PC.",
  "none: DHCP has not answered. Check the server, the port's VLAN, and spanning tree (up to a minute after the link).":
    "ninguna: DHCP no ha respondido. Revise el servidor, la VLAN del puerto y el spanning tree (hasta un minuto tras el enlace).",
  "{answer}. Check that it runs, and is on this network.":
    "{answer}. Compruebe que funciona y está en esta red.",
  "answers in {time} ms": "responde en {time} ms",
  "answers in {time} ms: it is busy, or far away": "responde en {time} ms: está ocupado o lejos",
  "{rate}, of a link of {speed} Mbit/s: others use the wire now, or a cable is bad":
    "{rate}, de un enlace de {speed} Mbit/s: otros usan la red, o un cable está mal",
  "nothing arrives: IGMP snooping without a querier, another VLAN, or Wi-Fi. This PC is served over HTTP, slower.":
    "no llega nada: IGMP snooping sin querier, otra VLAN, o Wi-Fi. Este PC se sirve por HTTP, más lento.",
  "{received} of {sent} packets, loss {loss}": "{received} de {sent} paquetes, pérdida {loss}",
  "{received} of {sent} packets, loss {loss}: check the cable, then the switch port":
    "{received} de {sent} paquetes, pérdida {loss}: revise el cable, luego el puerto del switch",
  // The check of a room's network
  "{names}: no answer": "{names}: sin respuesta",
  "see the PC's screen; an older agent cannot be asked: restart the PC":
    "vea la pantalla del PC; un agente antiguo no responde: reinicie el PC",
  "see the PC's screen": "vea la pantalla del PC",
  "{names}: {speed} Mbit/s, others {others}: cable or port":
    "{names}: {speed} Mbit/s, los demás {others}: cable o puerto",
  "check all eight wires of its cable, and its switch port":
    "revise los ocho hilos de su cable y su puerto del switch",
  "half duplex: its port or its adapter is set by hand":
    "half duplex: su puerto o su tarjeta está fijado a mano",
  "set both ends to negotiate": "ponga ambos extremos en negociación automática",
  "check its cable and its switch port": "revise su cable y su puerto del switch",
  "change its cable, then its switch port": "cambie su cable, luego su puerto del switch",
  "{loss} lost at {rate}, none at {before}": "{loss} perdidos a {rate}, ninguno a {before}",
  "no multicast: snooping without a querier on their switch":
    "sin multicast: snooping sin querier en su switch",
  "turn on the switch's IGMP querier, or turn off its IGMP snooping":
    "active el querier IGMP del switch, o desactive su IGMP snooping",
  "no multicast reaches it": "no le llega multicast",
  "check that it is in the server's VLAN, and that no firewall or access point stands between":
    "compruebe que está en la VLAN del servidor, sin cortafuegos ni punto de acceso en medio",
  "most PCs lose packets from {rate} on": "la mayoría de los PC pierden paquetes desde {rate}",
  "the switch, or the server's own port and cable, carries no more than that":
    "el switch, o el puerto y el cable del servidor, no lleva más",
  "all ports have {speed} Mbit/s: switch or cables":
    "todos los puertos tienen {speed} Mbit/s: switch o cables",
  "no port has more than {speed} Mbit/s: switch or cables":
    "ningún puerto tiene más de {speed} Mbit/s: switch o cables",
  "a faster switch, or cables with all eight wires: the server sends {rate}":
    "un switch más rápido, o cables con los ocho hilos: el servidor envía a {rate}",
  "{well} of {all} PCs hear all of it": "{well} de {all} PC lo oyen todo",
  "{well} of {all} PCs hear all that their ports carry":
    "{well} de {all} PC oyen todo lo que llevan sus puertos",
  "the room hears {rate} whole: {image} ({size} as it is stored) takes {time} or more":
    "la sala oye {rate} por completo: {image} ({size} como se guarda) lleva {time} o más",
  "the room hears {rate} whole: each {size} GB of an image (as it is stored) take {time} or more":
    "la sala oye {rate} por completo: cada {size} GB de una imagen (como se guarda) llevan {time} o más",
  // What a setting of a room has to be
  "It has to be a number of bits from 8 to 30, or auto.":
    "Tiene que ser un número de bits de 8 a 30, o auto.",
  "It has to be a number of seconds from 1 to 300.":
    "Tiene que ser un número de segundos de 1 a 300.",
};
