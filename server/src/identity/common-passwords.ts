/** Passwords that everybody tries first. */

const list = `
000000 00000000 1111 111111 11111111 112233 121212 123123 123123123 123321 1234 12341234 12345 123456 1234567 12345678
123456789 1234567890 123456a 123abc 123qwe 147258369 159357 159753 1q2w3e 1q2w3e4r 1q2w3e4r5t 1qaz2wsx 222222 333333 456789
555555 654321 666666 696969 777777 7777777 88888888 987654321 999999 a123456 aa123456 aaaaaa abc123 abcd1234 abcdef access
admin admin1 admin123 admin1234 administrator adminadmin alexander amanda andrea andrew angel anthony apple ashley asdf
asdf1234 asdfasdf asdfgh asdfghjkl azerty bailey baseball basketball batman biteme blink182 buster butterfly carlos changeit
changeme changeme1 changeme123 charlie cheese chocolate chelsea computer cookie daniel default demo diamond donald dragon
eminem family ferrari flower football freedom fuckyou garfield george ginger google guest guest123 hannah harley hello
hello123 hockey hunter hunter2 iloveyou iloveyou1 internet jasmine jennifer jessica jordan jordan23 joshua justin killer
letmein letmein1 liverpool login loveme lovely maggie martin master matrix matthew maverick merlin michael michelle monkey
mustang mynoob naruto nicole ninja nirvana nopassword oracle p@ssw0rd p@ssword pa55word pass pass123 pass1234 passw0rd
password password! password1 password12 password123 password1234 pepper pokemon princess purple q1w2e3r4 qazwsx qazwsxedc
qwe123 qwer1234 qwerty qwerty1 qwerty12 qwerty123 qwertyuiop qwert123 ranger robert root root123 samsung secret secret123
security server shadow slipknot snoopy soccer solo spiderman starwars summer summer2024 summer2025 summer2026 sunshine super
superman superuser sysadmin system taylor tech temp temp123 temppass test test1 test123 test1234 testing testtest thomas
tigger toor trustno1 tweety user user123 user1234 welcome welcome1 welcome123 whatever william winter winter2025 winter2026
yankees zaq12wsx zaq1zaq1 zxcvbn zxcvbnm
`;

const common: ReadonlySet<string> = new Set(list.trim().split(/\s+/));

/** True for a password that a guesser tries among the first few hundred, in any case (ASVS 6.2.4). */
export function isCommonPassword(password: string): boolean {
  return common.has(password.toLowerCase());
}
