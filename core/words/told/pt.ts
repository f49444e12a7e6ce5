/** What a server or an agent says in English, in Portuguese. */
import type { ToldText } from "./english.ts";

export const told: Readonly<Record<ToldText, string>> = {
  // Why a PC's part in a session ended
  "the disk read back is not this image (another root hash)":
    "o disco relido não é esta imagem (outro hash raiz)",
  "the server was restarted during the capture; capture again":
    "o servidor reiniciou durante a captura; capture de novo",
  "the server was restarted and the PC has not come back": "o servidor reiniciou e o PC não voltou",
  "the PC was restarted during the capture": "o PC reiniciou durante a captura",
  "the PC was restarted during the wipe; its disk may be half wiped":
    "o PC reiniciou durante o apagamento; o disco pode estar apagado pela metade",
  "the PC answers, but did not get ready within a minute":
    "o PC responde, mas não ficou pronto em um minuto",
  "the PC asked for its boot files, but its agent did not come: see its screen":
    "o PC pediu os arquivos de inicialização, mas o agente não veio: veja a tela dele",
  "the PC was not on, or did not reach the server":
    "o PC estava desligado, ou não alcançou o servidor",
  "its agent did not say which chunks it wants": "o agente não disse quais blocos quer",
  "its disk did less than {rate} MB/s for {minutes} min: check its cable and health, or replace it":
    "o disco fez menos de {rate} MB/s por {minutes} min: verifique o cabo e a saúde dele, ou troque-o",
  "mapping its disk took more than {minutes} min": "a análise do disco levou mais de {minutes} min",
  "fitting its disk took more than {minutes} min":
    "a adaptação do disco levou mais de {minutes} min",
  "personalising its disk took more than {minutes} min":
    "a personalização do disco levou mais de {minutes} min",
  "check the disk's health": "verifique a saúde do disco",
  "check the disk's health, or let the room's PCs not grow (`roomcast room set ROOM --grow none`)":
    "verifique a saúde do disco, ou não deixe crescer os PCs da sala (`roomcast room set ROOM --grow none`)",
  "check the disk's health, or restore with `--personalise none`":
    "verifique a saúde do disco, ou restaure com `--personalise none`",
  "the agent ended without an image": "o agente terminou sem imagem",
  "taken out by an operator": "retirado por um operador",
  "the image could not be made to fit: {why}": "não foi possível adaptar a imagem: {why}",
  "{why}; another session has had it since": "{why}; outra sessão o usou depois",
  "stopped by an operator": "parado por um operador",
  "stopped at the PC": "parado no PC",
  "{why}; it may come back": "{why}; ele pode voltar",
  "it is gone": "ele sumiu",
  // A running session of another server, in a line
  "{count} of {all} verified so far.": "{count} de {all} verificados até agora.",
  // Why a PC is behind, or waits
  "waits for its disk, which does {rate} KB/s: it is given up in {minutes} min unless the disk does more than {least} MB/s":
    "espera o disco, que faz {rate} kB/s: será abandonado em {minutes} min se o disco não fizer mais de {least} MB/s",
  "is still mapping its disk after {minutes} min": "ainda analisa o disco depois de {minutes} min",
  "is still fitting its disk after {minutes} min": "ainda adapta o disco depois de {minutes} min",
  "is still personalising its disk after {minutes} min":
    "ainda personaliza o disco depois de {minutes} min",
  "it is given up after {minutes} min": "será abandonado depois de {minutes} min",
  "waits for its disk, which takes nothing now": "espera o disco, que não recebe nada agora",
  "disk writes {rate}": "o disco grava a {rate}",
  "link carries {rate}, check its cable and port": "o link leva {rate}, verifique o cabo e a porta",
  "loses {loss} of the packets, check its cable and port":
    "perde {loss} dos pacotes, verifique o cabo e a porta",
  "the PC cannot keep up: {loss} of the packets reach it and are not taken in time":
    "o PC não acompanha: {loss} dos pacotes chegam e não são lidos a tempo",
  "the PC cannot keep up: it takes what was sent {time} s ago":
    "o PC não acompanha: lê o que foi enviado há {time} s",
  "the PC cannot keep up: its processor is busy, and its disk only {percent} of the time":
    "o PC não acompanha: o processador está ocupado, e o disco só {percent} do tempo",
  "fell behind the others, and its figures do not show why":
    "ficou atrás dos outros, e os números não mostram por quê",
  "waits for the image to be made to fit": "espera a imagem ser adaptada",
  "waits for {canaries}": "espera por {canaries}",
  "the canary {pc}": "o PC de teste {pc}",
  "the canaries {some} and {last}": "os PCs de teste {some} e {last}",
  "the canary {pc} was not verified: {why}": "o PC de teste {pc} não foi verificado: {why}",
  "the canary {pc} did not come up, {why}": "o PC de teste {pc} não iniciou, {why}",
  // What an operator has to know of a session
  "{canaries} first: the others are ordered once it is verified":
    "primeiro {canaries}: os outros seguem quando estiver verificado",
  "{canaries} first: the others are ordered once they are verified":
    "primeiro {canaries}: os outros seguem quando estiverem verificados",
  "{canaries} first: the others are ordered once it is verified and seen to come up":
    "primeiro {canaries}: os outros seguem quando estiver verificado e iniciado",
  "{canaries} first: the others are ordered once they are verified and seen to come up":
    "primeiro {canaries}: os outros seguem quando estiverem verificados e iniciados",
  "packets were forged: {count}. Something on this network sends packets in the sender's name; they are thrown away and reach no disk, but they take up the wire":
    "pacotes forjados: {count}. Algo nesta rede envia pacotes em nome do emissor; eles são descartados e não chegam a nenhum disco, mas ocupam a rede",
  "multicast reaches {whom}: the others are served over HTTP, each with a copy of its own, which takes {times} times the data and time. Turn on an IGMP querier on the room's switch (or its IGMP snooping off), and check that server and PCs are in one VLAN and not on Wi-Fi":
    "o multicast chega a {whom}: os outros são servidos por HTTP, cada um com sua própria cópia, o que leva {times} vezes os dados e o tempo. Ative um querier IGMP no switch da sala (ou desative o IGMP snooping), e verifique se servidor e PCs estão na mesma VLAN e não no Wi-Fi",
  "none of the {count} PCs": "nenhum dos {count} PCs",
  "only {some} of the {count} PCs": "só {some} dos {count} PCs",
  "{names} did not come up within {time}: power, firmware order, or look at its screen":
    "não iniciou em {time}: {names}; energia, ordem do firmware, ou olhe a tela dele",
  "{names} did not come up within {time}: power, firmware order, or look at their screens":
    "não iniciaram em {time}: {names}; energia, ordem do firmware, ou olhe as telas deles",
  "{names} did not come up: {why}": "não iniciou: {names}: {why}",
  // Whether a PC came up
  " within {time}: power, firmware order, or look at its screen":
    " em {time}: energia, ordem do firmware, ou olhe a tela dele",
  " within {time}: power, firmware order, or look at their screens":
    " em {time}: energia, ordem do firmware, ou olhe as telas deles",
  ": {why}": ": {why}",
  "not seen yet": "ainda não visto",
  'up {time} after, "{name}", looks like {system}':
    'iniciou após {time}, "{name}", parece ser {system}',
  'up {time} after, "{name}"': 'iniciou após {time}, "{name}"',
  "up {time} after, looks like {system}": "iniciou após {time}, parece ser {system}",
  "up {time} after": "iniciou após {time}",
  "missing after {time}: {why}": "ausente após {time}: {why}",
  "missing: {why}": "ausente: {why}",
  "nothing was seen of its own system": "nada foi visto do sistema próprio dele",
  "it started from the network again: firmware boot order":
    "iniciou pela rede de novo: ordem de inicialização do firmware",
  "its agent is still there: it was not restarted":
    "o agente ainda está lá: ele não foi reiniciado",
  "another session has had it since": "outra sessão o usou depois",
  "the session was ended before it was seen": "a sessão terminou antes de ele ser visto",
  // Which disk may be written, and why not
  "{disk} is too small: it has {bytes} bytes, {why}":
    "{disk} é pequeno demais: tem {bytes} bytes, {why}",
  "use a larger disk": "use um disco maior",
  "use a larger disk; or {instead}": "use um disco maior; ou {instead}",
  "restore this PC in a session of its own, which makes a version of the image that fits first (not with `--fit never`), or make one with {command}":
    "restaure este PC em uma sessão própria, que antes cria uma versão adaptada da imagem (não com `--fit never`), ou crie uma com {command}",
  "capture the disk and restore the image, which is fitted first (a live cast is not)":
    "capture o disco e restaure a imagem, que é adaptada antes (uma transmissão ao vivo não é)",
  "make a version of the image that fits with {command}":
    "crie uma versão adaptada da imagem com {command}",
  "{way}; or shrink partition {partition} by {bytes} bytes or more on the master":
    "{way}; ou reduza a partição {partition} em {bytes} bytes ou mais no modelo",
  "{way}; or shrink partition {partition} by {bytes} bytes or more on the master and move partition {others} up to it":
    "{way}; ou reduza a partição {partition} em {bytes} bytes ou mais no modelo e mova a partição {others} para junto dela",
  "{disk} is in use: {use}": "{disk} está em uso: {use}",
  "unmount it or end what uses it": "desmonte-o ou encerre o que o usa",
  "a disk is captured while nothing on it is mounted: boot the PC from the network":
    "um disco é capturado sem nada montado: inicie o PC pela rede",
  "{disk} says that it is failing (SMART: {health})":
    "{disk} avisa que está falhando (SMART: {health})",
  "replace the disk; to use it all the same: --use-failing-disk {serial}":
    "troque o disco; para usá-lo mesmo assim: --use-failing-disk {serial}",
  "{disk} has sectors of {bytes} bytes, the image is of a disk with {others}: {why}":
    "{disk} tem setores de {bytes} bytes, a imagem é de um disco com {others}: {why}",
  "restore it to a disk with the same logical sector size, or capture an image from such a disk":
    "restaure-a em um disco com o mesmo setor lógico, ou capture uma imagem de um disco assim",
  "this PC has no disk {name} that may be used": "este PC não tem disco {name} que possa ser usado",
  "it shows no disks at all: check its cables": "ele não mostra nenhum disco: verifique os cabos",
  "it has {disks}": "ele tem {disks}",
  "this PC does not show the disk that its order is for: {disk}":
    "este PC não mostra o disco a que se destina a ordem: {disk}",
  "check that disk's cable; to use another one, order it anew, since a retry takes the same disk (it has {disks})":
    "verifique o cabo desse disco; para usar outro, dê a ordem de novo, pois uma nova tentativa usa o mesmo disco (ele tem {disks})",
  "which of {count} disks is meant is not clear: {disks}":
    "não está claro qual dos {count} discos é o desejado: {disks}",
  "name one with --disk, have the room's settings single one out (`roomcast room set ROOM --disk transport=nvme`, or model=, size=, serial=), or choose it at the PC's menu":
    "indique um com --disk, defina-o nos ajustes da sala (`roomcast room set ROOM --disk transport=nvme`, ou model=, size=, serial=), ou escolha-o no menu do PC",
  "none of this PC's disks is one that the room's settings allow":
    "nenhum disco deste PC é permitido pelos ajustes da sala",
  "it has {disks}; see `roomcast room show`, or name a disk with --disk":
    "ele tem {disks}; veja `roomcast room show`, ou indique um disco com --disk",
  "this PC shows no internal disk that can be written":
    "este PC não mostra nenhum disco interno que possa ser gravado",
  "check the disk's cable, and in the firmware's setup that the controller is in AHCI mode, not RAID or VMD":
    "verifique o cabo do disco, e no firmware se o controlador está em modo AHCI, não RAID nem VMD",
  // Why an order leaves a PC out
  "{pc} was never here: an operator's list names it":
    "{pc} nunca esteve aqui: uma lista de operador o nomeia",
  "boot it from the network, compare its code in `roomcast pc show {pc}` with its screen, then `roomcast pc admit {pc}`":
    "inicie-o pela rede, compare o código em `roomcast pc show {pc}` com a tela dele, e depois `roomcast pc admit {pc}`",
  "the key of {pc} was revoked": "a chave de {pc} foi revogada",
  "let it in again with `roomcast pc admit {pc}`, or remove it with `roomcast pc forget {pc}`":
    "admita-o de novo com `roomcast pc admit {pc}`, ou remova-o com `roomcast pc forget {pc}`",
  "{pc} has its key, and other hardware than before":
    "{pc} tem a chave, mas hardware diferente de antes",
  "if that is right, `roomcast pc admit {pc}`": "se estiver certo, `roomcast pc admit {pc}`",
  "{pc} is not known for sure: it may be {names}":
    "não se sabe ao certo quem é {pc}: pode ser {names}",
  "say which with `roomcast pc identify {pc} --as PC`, or --new":
    "diga qual com `roomcast pc identify {pc} --as PC`, ou --new",
  "{pc} has proven no key yet": "{pc} ainda não provou nenhuma chave",
  "boot it from the network, then `roomcast pc admit {pc}`":
    "inicie-o pela rede, e depois `roomcast pc admit {pc}`",
  "nobody has placed {pc} yet": "ninguém colocou {pc} ainda",
  "compare its code in `roomcast pc show {pc}` with its screen, then `roomcast pc admit {pc}`":
    "compare o código em `roomcast pc show {pc}` com a tela dele, e depois `roomcast pc admit {pc}`",
  "{pc} has no TPM, and room {room} takes only PCs with a lasting key":
    "{pc} não tem TPM, e a sala {room} só aceita PCs com chave duradoura",
  "move it to another room, or `roomcast room set {room} --admit placed`":
    "mova-o para outra sala, ou `roomcast room set {room} --admit placed`",
  // How well a PC is known
  "waiting: nobody has placed this PC yet": "em espera: ninguém colocou este PC ainda",
  "unproven: placed, with a key that is new at each start":
    "não provado: colocado, com uma chave nova a cada início",
  "placed: with a key that lasts": "colocado: com uma chave duradoura",
  "attested: started with the same software as when it was placed":
    "atestado: iniciado com o mesmo software de quando foi colocado",
  // What keeps a PC from its server
  "the server does not answer; check the cable, the switch port, and that the server runs":
    "o servidor não responde; verifique o cabo, a porta do switch e se o servidor está rodando",
  "the server has fallen silent; check the cable and the switch, and that the server runs":
    "o servidor silenciou; verifique o cabo e o switch, e se o servidor está rodando",
  "the server ({version}) speaks protocol {theirs}, this agent {ours}; restart this PC to get the server's agent":
    "o servidor ({version}) fala o protocolo {theirs}, este agente {ours}; reinicie este PC para obter o agente do servidor",
  "the server ({version}) speaks protocol {theirs}, this agent {ours}; update the server, or start the agent that came with it":
    "o servidor ({version}) fala o protocolo {theirs}, este agente {ours}; atualize o servidor, ou inicie o agente que veio com ele",
  "something answers there, but it is no roomcast server; check the address and the port":
    "algo responde lá, mas não é um servidor roomcast; verifique o endereço e a porta",
  "the connection broke; check that the server runs":
    "a conexão caiu; verifique se o servidor está rodando",
  "nothing listens there": "nada escuta lá",
  "check that the server runs, and the port": "verifique se o servidor está rodando, e a porta",
  "no address is known for this name": "nenhum endereço conhecido para este nome",
  "check the name, or give the address in numbers": "verifique o nome, ou dê o endereço em números",
  "there is no way to this address": "não há caminho para este endereço",
  "check the PC's own address and the cable": "verifique o endereço do próprio PC e o cabo",
  "the server shows another code than this PC: somebody between them answers both; tell an operator":
    "o servidor mostra outro código que este PC: alguém entre eles responde aos dois; avise um operador",
  "there is no connection to the server: try again": "não há conexão com o servidor: tente de novo",
  "The connection to the server broke: ask again when it is back.":
    "A conexão com o servidor caiu: peça de novo quando voltar.",
  // The menu's lock
  "The menu is locked: type the room's PIN first.":
    "O menu está bloqueado: digite primeiro o PIN da sala.",
  "The server has not said yet whether this room has a PIN.":
    "O servidor ainda não disse se esta sala tem um PIN.",
  "The PIN before this one is still being checked.": "O PIN anterior ainda está sendo verificado.",
  "That was {whose}: it holds for {time}, and as long again after each request.":
    "Era {whose}: vale por {time}, e o mesmo tempo após cada pedido.",
  "the room's PIN": "o PIN da sala",
  "the instructor's PIN": "o PIN do professor",
  "That was not the room's PIN. {more}": "Esse não era o PIN da sala. {more}",
  "One more, and this PC takes none for a while.":
    "Mais um, e este PC não aceita nenhum por um tempo.",
  "{count} more tries.": "Mais {count} tentativas.",
  "This PC takes the next PIN in {time}.": "Este PC aceita o próximo PIN em {time}.",
  "Too many wrong PINs in this room: its menus are shut for {time}, or until an operator opens them.":
    "PINs errados demais nesta sala: os menus ficam fechados por {time}, ou até um operador abri-los.",
  "nobody has placed this PC yet": "ninguém colocou este PC ainda",
  "tell an operator the code on this screen": "diga a um operador o código desta tela",
  // What a person at a PC asks for; it follows `asks to`
  "erase its disk {disk} with zeros": "apagar o disco {disk} com zeros",
  "erase its disk {disk} by {method}": "apagar o disco {disk} por {method}",
  "restore {image} to its disk {disk}": "restaurar {image} no disco {disk}",
  "store its disk {disk} as image {image}": "guardar o disco {disk} como imagem {image}",
  "cast its disk {disk} to {room} ({pcs})": "transmitir o disco {disk} para {room} ({pcs})",
  "cast its disk {disk} to {room} ({pcs}), stored as image {image}":
    "transmitir o disco {disk} para {room} ({pcs}), guardado como imagem {image}",
  // What is wrong with a PC
  "{disk} DOES NOT START: its start is empty, and there are data behind it. A restore or a wipe that did not finish leaves a disk like that. Restore it, or wipe it again, before this PC is used.":
    "{disk} NÃO INICIA: o começo está vazio, e há dados depois. Uma restauração ou um apagamento não concluído deixa um disco assim. Restaure-o, ou apague-o de novo, antes de usar este PC.",
  "This PC's clock was {time} slow; it was set by the server's. Check the battery on its mainboard.":
    "O relógio deste PC estava {time} atrasado; foi acertado pelo servidor. Verifique a bateria da placa-mãe.",
  "This PC's clock was {time} fast; it was set by the server's. Check the battery on its mainboard.":
    "O relógio deste PC estava {time} adiantado; foi acertado pelo servidor. Verifique a bateria da placa-mãe.",
  "{days} days": "{days} dias",
  "The server is roomcast {theirs}, this PC runs {ours}. Make the boot image anew on the server (make initrd), then restart this PC.":
    "O servidor é roomcast {theirs}, este PC roda {ours}. Refaça a imagem de inicialização no servidor (make initrd) e reinicie este PC.",
  "{count} NVMe disk hidden by Intel RST. {cure}":
    "{count} disco NVMe oculto pelo Intel RST. {cure}",
  "No driver for Intel's RST or VMD controller {id}. {cure}":
    "Sem driver para o controlador Intel RST ou VMD {id}. {cure}",
  "No driver for storage controller {id} ({device}). Restart and press m: another kernel may have one.":
    "Sem driver para o controlador de armazenamento {id} ({device}). Reinicie e tecle m: outro kernel pode ter um.",
  "NO DISK FOUND. Does the firmware's setup list one? If not: its cable, its power, its slot. If so: {cure}":
    "NENHUM DISCO ENCONTRADO. O firmware mostra um? Se não: o cabo, a energia, o slot. Se sim: {cure}",
  "In the firmware's setup set the storage (SATA) mode to AHCI instead of RAID, RST, Optane or VMD. A Windows that was installed in the other mode starts again after one start in safe mode.":
    "No firmware, ponha o armazenamento (SATA) em modo AHCI em vez de RAID, RST, Optane ou VMD. Um Windows instalado no outro modo volta a iniciar após um início em modo de segurança.",
  // The network check at a PC
  Link: "Link",
  Address: "Endereço",
  Server: "Servidor",
  Throughput: "Vazão",
  Multicast: "Multicast",
  "being looked at": "em exame",
  "no network card leads to the server: is there a driver for it? See Hardware.":
    "nenhuma placa de rede leva ao servidor: há driver? Veja Hardware.",
  "{card} has no link: check the cable, and the light at its socket.":
    "{card} está sem link: verifique o cabo e a luz da tomada.",
  "{card} is up; its driver does not tell the speed":
    "{card} está ativa; o driver não diz a velocidade",
  "{card} runs at {speed} Mbit/s: a cable with a broken pair, or an old switch port. It works, and holds this PC up.":
    "{card} roda a {speed} Mbit/s: cabo com um par rompido, ou porta de switch antiga. Funciona, mas atrasa este PC.",
  "none: DHCP has not answered. Check the server, the port's VLAN, and spanning tree (up to a minute after the link).":
    "nenhum: o DHCP não respondeu. Verifique o servidor, a VLAN da porta e o spanning tree (até um minuto após o link).",
  "{answer}. Check that it runs, and is on this network.":
    "{answer}. Verifique se ele está rodando e nesta rede.",
  "answers in {time} ms": "responde em {time} ms",
  "answers in {time} ms: it is busy, or far away": "responde em {time} ms: está ocupado, ou longe",
  "{rate}, of a link of {speed} Mbit/s: others use the wire now, or a cable is bad":
    "{rate}, de um link de {speed} Mbit/s: outros usam a rede agora, ou um cabo está ruim",
  "nothing arrives: IGMP snooping without a querier, another VLAN, or Wi-Fi. This PC is served over HTTP, slower.":
    "nada chega: IGMP snooping sem querier, outra VLAN, ou Wi-Fi. Este PC é servido por HTTP, mais lento.",
  "{received} of {sent} packets, loss {loss}": "{received} de {sent} pacotes, perda {loss}",
  "{received} of {sent} packets, loss {loss}: check the cable, then the switch port":
    "{received} de {sent} pacotes, perda {loss}: verifique o cabo, depois a porta do switch",
  // The check of a room's network
  "{names}: no answer": "{names}: sem resposta",
  "see the PC's screen; an older agent cannot be asked: restart the PC":
    "veja a tela do PC; um agente antigo não responde: reinicie o PC",
  "see the PC's screen": "veja a tela do PC",
  "{names}: {speed} Mbit/s, others {others}: cable or port":
    "{names}: {speed} Mbit/s, os outros {others}: cabo ou porta",
  "check all eight wires of its cable, and its switch port":
    "verifique os oito fios do cabo e a porta do switch",
  "half duplex: its port or its adapter is set by hand":
    "half duplex: a porta ou a placa foi ajustada à mão",
  "set both ends to negotiate": "ponha os dois lados em negociação automática",
  "check its cable and its switch port": "verifique o cabo e a porta do switch",
  "change its cable, then its switch port": "troque o cabo, depois a porta do switch",
  "{loss} lost at {rate}, none at {before}": "{loss} perdidos a {rate}, nenhum a {before}",
  "no multicast: snooping without a querier on their switch":
    "sem multicast: snooping sem querier no switch deles",
  "turn on the switch's IGMP querier, or turn off its IGMP snooping":
    "ative o querier IGMP do switch, ou desative o IGMP snooping",
  "no multicast reaches it": "nenhum multicast chega a ele",
  "check that it is in the server's VLAN, and that no firewall or access point stands between":
    "verifique se está na VLAN do servidor, sem firewall nem ponto de acesso no meio",
  "most PCs lose packets from {rate} on": "a maioria dos PCs perde pacotes a partir de {rate}",
  "the switch, or the server's own port and cable, carries no more than that":
    "o switch, ou a porta e o cabo do servidor, não leva mais que isso",
  "all ports have {speed} Mbit/s: switch or cables":
    "todas as portas têm {speed} Mbit/s: switch ou cabos",
  "no port has more than {speed} Mbit/s: switch or cables":
    "nenhuma porta tem mais de {speed} Mbit/s: switch ou cabos",
  "a faster switch, or cables with all eight wires: the server sends {rate}":
    "um switch mais rápido, ou cabos com os oito fios: o servidor envia a {rate}",
  "{well} of {all} PCs hear all of it": "{well} de {all} PCs ouvem tudo",
  "{well} of {all} PCs hear all that their ports carry":
    "{well} de {all} PCs ouvem tudo o que suas portas levam",
  "the room hears {rate} whole: {image} ({size} as it is stored) takes {time} or more":
    "a sala ouve {rate} por inteiro: {image} ({size} como armazenada) leva {time} ou mais",
  "the room hears {rate} whole: each {size} GB of an image (as it is stored) take {time} or more":
    "a sala ouve {rate} por inteiro: cada {size} GB de uma imagem (como armazenada) leva {time} ou mais",
  // What a setting of a room has to be
  "It has to be a number of bits from 8 to 30, or auto.":
    "Tem de ser um número de bits de 8 a 30, ou auto.",
  "It has to be a number of seconds from 1 to 300.": "Tem de ser um número de segundos de 1 a 300.",
};
