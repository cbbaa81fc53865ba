import type { BounceClass } from '../../domain/feedback.ts';

/*
 * What mail servers say, in lower case and with single spaces. Kept general where many say the like; what one provider says is
 * named. Patterns run over bounded text and without nested repetition, so that no text makes them slow.
 */

/** Words of one provider each that mean something else than they would elsewhere, or that nobody else says. */
export const providerWords: readonly (readonly [RegExp, BounceClass])[] = [
  // Microsoft 365: Directory-Based Edge Blocking, which says "Access denied" of recipients that it does not have.
  [/recipient address rejected: access denied\.? ?\[?as\(201806281\)/, 'hard'],
  // The same without that number may be about the way in: not hard, and nothing that we did.
  [/recipient address rejected: access denied/, 'soft'],
  // Outlook.com: the mailbox is not there. The same words without this mark are also said of our servers.
  [/mailbox unavailable \(s2017062302\)/, 'hard'],
  // Microsoft Exchange.
  [/resolver\.adr\.(?:ex)?recip(?:ient)?notfound/, 'hard'],
  [/resolver\.adr\.badprimary|resolver\.rst\.notauthorized|resolver\.rst\.authrequired/, 'policy'],
  // Gmail names its reason in the link to its help.
  [/[?&]p=(?:nosuchuser|disableduser|baddestinationaddress)\b/, 'hard'],
  [/[?&]p=(?:overquota\w*|receivingrate\w*)\b/, 'soft'],
  [/the email account that you tried to reach (?:does not exist|is disabled)/, 'hard'],
  // Yahoo and AOL.
  [/this user doesn't have an? \S{1,80} account/, 'hard'],
  [/this mailbox is disabled \(554\.30\)/, 'hard'],
  [/\*\* address not found \*\*/, 'hard'],
  // Free.fr and others: closed for want of use.
  [
    /(?:mailbox|account|user) (?:has been |is |was )?(?:blocked|disabled|closed|suspended|locked)? ?(?:due to|because of|for) inactivity/,
    'hard',
  ],
  // HCL Domino.
  [/not listed in (?:the )?(?:domino|lotus|public|name|address|directory)/, 'hard'],
  // Mimecast: its page of reasons is linked by every answer.
  [/invalid recipient - https?:\/\/community\.mimecast\.com/, 'hard'],
  // Mail.ru.
  [/message was not accepted -- invalid mailbox/, 'hard'],
  // Orange: its code for a full mailbox comes with 5.1.1.
  [/\bofr_?417\b/, 'soft'],
  // T-Online, of whoever it does not want to talk to.
  [/a problem occurred\. \(ask your postmaster/, 'policy'],
  // Tencent QQ and NetEase 163, which number their reasons.
  [
    /\b(?:dt|mi|hl|rp|in|av):(?:spm|spf|spb|sum|crt|rep|cel|trc|cnt|dma|dmc|ffr|ifr|stc|std|hst|bad|rcl|qrc|ftr|iws|iwp|yod|net)\b/,
    'policy',
  ],
  // Apple, Proton and others number answers to what they do not want.
  [/\[(?:cs|hm)\d\d\]/, 'policy'],
  // Barracuda, which lists what befell each recipient.
  [/permanent failure for one or more recipients \([^)]{0,300}:blocked\)/, 'policy'],
];

/** Pages that only those link who refuse a sender. */
export const policyPlaces =
  /spamhaus|spamcop|barracudacentral|barracudanetworks\.com\/reputation|ipcheck\.proofpoint|senderscore|sorbs\.net|uceprotect|abuseat\.org|surbl|uribl|invaluement|spamrats|talosintelligence|senderbase|cloudmark|psbl|mailspike|spfbl|dnswl|openspf|spf\.pobox|dmarcian|sendersupport\.olc|sender\.office\.com|csi\.mimecast|p=(?:bulksendersguide|unsolicited\w*|rbl|unauth\w*|senderguideline\w*|blocked\w*)/;

const lists = 'black|block|deny|grey|gray|real-?time black';

/** About our message, our server, or how much we send. */
export const policyWords = new RegExp(
  [
    '\\bspam',
    'anti-?spam',
    '\\bjunk\\b|\\bunsolicited\\b|\\bbulk (?:e-?)?mail',
    `(?:${lists})[- ]?list`,
    '\\bblocked\\b|\\bbanned\\b|\\bblocking\\b',
    '\\bdnsbl|\\brbl\\b|\\bdbl\\b',
    'reputation',
    '\\bpolic(?:y|ies)\\b',
    '\\bcontent (?:filter|rejected|denied|restrict)|\\b(?:denied|rejected|refused) by (?:content|filter)',
    '\\bvirus|\\bmalware|\\bphish|\\bspoof|\\bsuspicious|\\bsuspected|\\bfraud',
    '\\bdmarc\\b|\\bdkim\\b|\\bspf\\b|sender policy framework|sender id\\b',
    'unauthenticated|not authenticated|authenticat(?:e|ion)\\b|not authori[sz]ed',
    '\\bptr\\b|\\brdns\\b|reverse (?:dns|host|lookup|mapping)|\\bhelo\\b|\\behlo\\b',
    '\\brate[- ]?limit|\\bthrottl|\\btoo (?:many|much|fast|frequent)|frequency limited|sending limit|\\bunusual\\b',
    'gr[ea]ylist|gr[ea]y[- ]list',
    'access denied|permission denied|\\bprohibit|not permitted|not allowed|forbidden|administrative',
    '\\brelay(?:ing)?\\b',
    '\\b(?:client|host|server|ip|ips|ip address) (?:\\S{1,80} )?(?:is |was |has been |are )?(?:rejected|refused|denied|listed)\\b',
    '\\bsender (?:address )?(?:\\S{1,80} )?(?:rejected|refused|denied|unknown|invalid|verif|not)',
    'sender verify|\\bcallout\\b',
    '\\bcomplain',
    '\\bpsmtp\\b.{0,80}(?:block|denied)',
    'local policy|security (?:policy|reason)',
    'refused? (?:due to|because of)|service refus[eé]',
    'not accepting (?:mail|messages|e-?mail) from|does not accept (?:mail|messages|e-?mail) from',
  ].join('|'),
);

/** About the size of our message. */
export const tooLargeWords =
  /\b(?:message|mail|e-?mail|content|attachment|header)s?(?: (?:is|was|size|length|body))* (?:too (?:large|big|long)|larger than|exceed)|size (?:limit|exceed)|\bmax(?:imum)? (?:message )?(?:size|length)|(?<!mailbox )exceeds? (?:the |your )?(?:fixed |maximum |allowed )?(?:message |mail |attachment )?(?:size|length)|too (?:large|big) (?:message|mail)/;

/** About now. */
export const softWords = new RegExp(
  [
    '\\bquota\\b|\\boverquota\\b|\\bquotas?[- ]?(?:exceed|limit)',
    '\\b(?:is|mailbox|inbox|folder|disk|storage|account|user|box|space|currently) full\\b|\\bfull (?:mailbox|inbox)|\\bmailfull\\b',
    'exceed(?:s|ed|ing)? (?:(?:its|the|their|your|allotted|allocated|allowed) )*(?:storage|space|mailbox|disk|limit|capacity)',
    'out of (?:storage|space|disk)|(?:insufficient|not enough|no|low on) (?:\\w+ )?(?:storage|disk|space|resources?)',
    'temporar|transient|\\bfor now\\b|at this time|\\bcurrently\\b|try again|try(?:ing)? later|\\bretry',
    'time(?:d)?[- ]?out|\\bexpired?\\b|too long|\\bdelayed\\b',
    '\\bloop|\\bhops?\\b|hop count',
    'suspend|\\blocked\\b|\\bon hold\\b|\\bover ?due\\b',
    "connection (?:refused|reset|closed|dropped|lost)|unreachable|no route|could ?n[o']t connect|can(?:not|'t) connect|network error",
    '\\bbusy\\b|overload|(?:internal|system|local|server|configuration|lookup|dns|database|i/o) (?:\\w+ )?(?:error|failure)',
    'service (?:is )?(?:not |un)available|shutting down|out of (?:service|memory)',
    "couldn't create|cannot create|can't (?:create|open)|command (?:died|failed|output|terminated)|lock failure",
    'unverified|could not be verified|unable to verify|cannot verify|verification failed',
    'pleine|plein\\b|satur|\\bvoll\\b|überfüllt|überschritten|lleno|llena|piena|cheia|переполнен|已满|容量',
  ].join('|'),
);

const who =
  '(?:user|mailbox|mail box|recipient|addressee|account|alias|customer|subscriber|mail ?user|person|login)';
const whose = `${who}(?:['"]?s)?(?: (?:name|id|address|account|e-?mail))?`;
/** What may stand between: the address itself, which is gone, and marks around it. */
const gap = '[ :<>"\'_.()[\\]=-]{0,12}';

/** About the person: there is no such mailbox, or never will be again. */
export const hardWords = new RegExp(
  [
    `\\b${whose}${gap}(?:is |was |has been |are )?(?:unknown|not known|not found|non-?existent|inexistent|invalid|not (?:a )?valid|unrecogni[sz]ed|not recogni[sz]ed|undefined|deleted|removed|deactivated|disabled|closed|terminated|cancell?ed|inactive|discontinued|no longer)\\b`,
    `\\b${whose}${gap}(?:does ?n[o']t|do ?n[o']t|does not|do not|did not|doesnt|not) exist`,
    `\\b(?:unknown|invalid|non-?existent|inexistent|nonexisting|unrecogni[sz]ed|undefined|deactivated|disabled|bad|no such|no|deleted|inactive) (?:local |destination |mail |e-?mail |smtp |virtual )?${who}\\b`,
    `\\b(?:unknown|bad|no such|invalid) (?:destination |recipient(?:'s)? |mailbox |e-?mail )?(?:mailbox |e-?mail )?address\\b`,
    '\\bno (?:mailbox|user|account|one|person)(?: is)? (?:here|there|by that name|with that name|at this)\\b|here by that name',
    "\\baddress(?:ee)?s?(?: is| was| you (?:sent|entered|typed)\\b.{0,40})? (?:unknown|not found|does not exist|doesn't exist|no longer)",
    `\\b(?:is|are) (?:not an?|no) (?:valid |known |active |existing |local )?${who}\\b`,
    `\\b(?:does ?n[o']t|does not|not) have an? (?:\\S{1,80} )?(?:account|mailbox)\\b`,
    `\\b(?:could|can|did|was|were)(?: not|n[o']t|not) (?:be )?(?:find|found|locate[d]?)\\b.{0,30}\\b${who}\\b`,
    `\\b(?:could|can|did)(?: not|n[o']t|not) (?:find|locate) (?:the |a |any |such |that |this )?${who}\\b`,
    'no longer (?:with|at|works?|employed|active|in use|valid|exists?|on (?:this )?server|available here)\\b',
    '\\bnot our customer\\b|\\bnull mx\\b',
    "destinataires? (?:inconnu|invalide|inexistant)|(?:adresse|boîte|boite|utilisateur|compte)[^.]{0,40} (?:inconnue?|invalide|inexistante?|inactif|désactivée?)|n'existe pas",
    '(?:empfänger|benutzer|postfach|adresse|konto)[^.]{0,30} (?:unbekannt|existiert nicht|nicht gefunden|ungültig)|unbekannte[rs]? (?:empfänger|benutzer|adresse)',
    '(?:usuario|buzón|cuenta|destinatario|utente|casella|destinatário|usuário)[^.]{0,30} (?:desconocido|no existe|inexistente|sconosciuto|non esiste|desconhecido|não existe)',
    '(?:пользователь|ящик|получатель)[^.]{0,30} не (?:найден|существует)|нет такого пользователя|ящик[^.]{0,20} отключ',
    '(?:收件人|用户|邮箱|帐号|账号|地址)[^。]{0,20}不存在|宛先が見つかりません|ユーザーが(?:見つかりません|存在しません)|존재하지 않',
  ].join('|'),
);
