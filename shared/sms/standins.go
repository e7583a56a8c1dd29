package sms

// letterStandIns gives, line by line, a letter or two of the GSM alphabet and
// the letters that they can stand in for: accented ones, European ligatures and
// variants, and the Greek capitals that look Latin, which is how the alphabet
// means Greek to be written.
const letterStandIns = `
A ÀÁÂÃĀĂĄǍǞǠǺȀȂȦḀẠẢẤẦẨẪẬẮẰẲẴẶΑ
a áâãāăąǎǟǡǻȁȃȧḁạảấầẩẫậắằẳẵặ
B ḂḄḆΒ
b ḃḅḇ
C ĆĈĊČḈ
c çćĉċčḉ
D ĎḊḌḎḐḒĐÐ
d ďḋḍḏḑḓđð
E ÈÊËĒĔĖĘĚȄȆȨḔḖḘḚḜẸẺẼẾỀỂỄỆΕ
e êëēĕėęěȅȇȩḕḗḙḛḝẹẻẽếềểễệ
F Ḟ
f ḟ
G ĜĞĠĢǦǴḠ
g ĝğġģǧǵḡ
H ĤȞḢḤḦḨḪĦΗ
h ĥȟḣḥḧḩḫẖħ
I ÌÍÎÏĨĪĬĮİǏȈȊḬḮỈỊΙ
i íîïĩīĭįǐȉȋḭḯỉịı
IJ Ĳ
ij ĳ
J Ĵ
j ĵǰ
K ĶǨḰḲḴΚ
k ķǩḱḳḵ
L ĹĻĽḶḸḺḼŁ
l ĺļľḷḹḻḽłŀ
M ḾṀṂΜ
m ḿṁṃ
N ŃŅŇǸṄṆṈṊΝ
n ńņňǹṅṇṉṋ
NG Ŋ
ng ŋ
O ÒÓÔÕŌŎŐƠǑǪǬȌȎȪȬȮȰṌṎṐṒỌỎỐỒỔỖỘỚỜỞỠỢΟ
o óôõōŏőơǒǫǭȍȏȫȭȯȱṍṏṑṓọỏốồổỗộớờởỡợ
OE Œ
oe œ
P ṔṖΡ
p ṕṗ
R ŔŖŘȐȒṘṚṜṞ
r ŕŗřȑȓṙṛṝṟ
S ŚŜŞŠȘṠṢṤṦṨ
s śŝşšșṡṣṥṧṩſ
SS ẞ
T ŢŤȚṪṬṮṰŦΤ
t ţťțṫṭṯṱẗŧ
TH Þ
th þ
U ÙÚÛŨŪŬŮŰŲƯǓǕǗǙǛȔȖṲṴṶṸṺỤỦỨỪỬỮỰ
u úûũūŭůűųưǔǖǘǚǜȕȗṳṵṷṹṻụủứừửữự
V ṼṾ
v ṽṿ
W ŴẀẂẄẆẈ
w ŵẁẃẅẇẉẘ
X ẊẌΧ
x ẋẍ
Y ÝŶŸȲẎỲỴỶỸΥ
y ýÿŷȳẏẙỳỵỷỹ
Z ŹŻŽẐẒẔΖ
z źżžẑẓẕ
Æ ǢǼ
æ ǣǽ
Ø Ǿ
ø ǿ
`
