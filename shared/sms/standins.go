package sms

// letterStandIns has a line for each stand-in: one or two letters of the GSM alphabet,
// and the letters that they replace. These are accented letters, European ligatures and
// variants, and the Greek capitals that look like Latin ones. GSM lacks these Greek
// capitals, because the Latin capitals are used in their place.
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
